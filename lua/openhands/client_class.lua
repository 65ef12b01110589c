--- The class of clients, with its fields. Each module defines its own methods as `function Client:name()`: a search for
--- "function Client:" lists them. Methods whose names begin with "_" are internal.

---@class (partial) openhands.Client
---@field private _core any the core's client
---@field private _settings table the client's settings; also the metatable of each call's settings
---@field private _has_key boolean
---@field private _has_fixed_key boolean the core has a key: an exchange looks for another only if `api_key` is a
--- function or given for the call. False if the session key of the environment is malformed: then every exchange that
--- needs a key fails
---@field private _key_problems table<string, string?> what is wrong with the keys of the environment
---@field private _api "v0"|"v1"|nil the dialect, once it is known
---@field private _is_guess boolean the dialect is detected, not set by the caller
---@field private _may_have_both boolean? the service may also have conversations of the other dialect
---@field private _confirmed_dialects table<string, boolean?> dialects in which the service has answered
---@field private _dialect_request table? the detection of the dialect, while it is under way
---@field private _base_url string
---@field private _loop openhands.Loop
---@field private _retry openhands.Retry
---@field private _waiting table<integer, openhands.Pending> records of the exchanges under way, by number
---@field private _spare openhands.Pending|false a record that no exchange has used, for the next one
---@field private _watched table<integer, openhands.Pending> records whose responses are read as they arrive
---@field private _has_watched boolean `_watched` may have records
---@field private _has_transport boolean a transport carries the exchanges in place of the network
---@field private _awaited table<openhands.Pending, integer> number of waiters of each record that is no exchange
---@field private _options table options for the core, in one table that exchanges share until one has further options
---@field private _memories table<string, openhands.Memory?> what the client remembers of conversations, by id
---@field private _older_memories table<string, openhands.Memory?> the same, of the previous generation
---@field private _memory_count integer
---@field private _conversation table metatable of its conversations
---@field _event_class table? metatable of its events, once it has read some
---@field private _poller openhands.Poller once it has waited
---@field private _service_time table? `date` of the service's latest response, and the local `moment` at which that
--- date first came
---@field private _own_servers_after number? monotonic moment before which conversations' own servers are not read
---@field private _own_servers_pause number? length of that pause in seconds
---@field private _carrier openhands.Owner? the coroutine that hands exchanges to a transport
---@field _slot_queue openhands.SlotQueue? its starts that wait for a slot of the account
---@field private _deferred_interrupt any the error of a Ctrl-C during logging, else false; the next exchange raises it
---@field private _closed boolean
local Client = { __name = "openhands.Client" }

--- The calls of each group, by the names of the group and the call.
---@type table<string, table<string, function>>
Client._groups = {}

Client.__index = Client

return Client
