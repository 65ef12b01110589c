--- The class of clients: its fields. Each module defines the methods that it is about, as `function Client:name()`, so
--- that a search for "function Client:" lists them all; users call those whose names do not begin with "_".

---@class (partial) openhands.Client
---@field private _core any the core's client
---@field private _settings table what calls inherit: the metatable of their settings
---@field private _has_key boolean
---@field private _has_fixed_key boolean the core has all keys: nothing need be asked before an exchange
---@field private _key_problems table<string, string?> what is wrong with the keys of the environment
---@field private _api "v0"|"v1"|nil the dialect, once it is known
---@field private _is_guess boolean the dialect was found out, not given
---@field private _may_have_both boolean? the service may have the other dialect's conversations too
---@field private _has_spoken table<string, boolean?> dialects in which the service has answered
---@field private _question table? the request for the dialect that is under way
---@field private _base_url string
---@field private _loop openhands.Loop
---@field private _retry openhands.Retry
---@field private _waiting table<integer, openhands.Pending> what is awaited, by the number of the exchange
---@field private _watched table<integer, openhands.Pending> those whose responses are followed as they come
---@field private _awaited table<openhands.Pending, integer> how many wait for each
---@field private _options table the one table of options for the core
---@field private _young table<string, openhands.Memory?> what is remembered of conversations, by id
---@field private _old table<string, openhands.Memory?> the same of the generation before
---@field private _young_count integer
---@field private _conversation table metatable of its conversations
---@field private _poller openhands.Poller
---@field private _served table? `date` of the service's latest answer, and the `moment` here
---@field private _own_servers_after number? monotonic moment before which no conversation's own server is asked
---@field private _own_servers_pause number? seconds for which they are not
---@field private _carrier openhands.Owner? the coroutine that hands exchanges to a transport
---@field private _deferred_interrupt any the error of a Ctrl-C during logging: the next exchange raises it
---@field private _closed boolean?
local Client = { __name = "openhands.Client" }

Client.__index = Client

return Client
