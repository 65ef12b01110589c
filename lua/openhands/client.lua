--- One account on one service: its settings, what it remembers, what users call.

local addresses = require "openhands.url"
local calls = require "openhands.request"
local concurrency = require "openhands.task.group"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local credentials = require "openhands.credentials"
local endings = require "openhands.conversation.result_check"
local errors = require "openhands.errors"
local in_flight = require "openhands.request.in_flight"
local lookup = require "openhands.conversation.lookup"
local loops = require "openhands.loop"
local retry = require "openhands.request.retry"
local settings = require "openhands.settings"
local start = require "openhands.start"
local start_options = require "openhands.start.options"
local tasks = require "openhands.task"
local vocabulary = require "openhands.api"
local wait_options = require "openhands.wait.options"
local waits = require "openhands.wait"
local watches = require "openhands.wait.poller"

---@class (partial) openhands.Client
---@field private _core any the core's client
---@field private _settings table what calls have that are not given: a metatable of theirs
---@field private _has_key boolean
---@field private _key_problems table<string, string?> what is the matter with the keys of the environment
---@field private _api "v0"|"v1"|nil the dialect, as soon as it is known
---@field private _is_guess boolean nobody has told which dialect it is
---@field private _may_have_both boolean? the service may have the other dialect's conversations too
---@field private _has_spoken table<string, boolean?> dialects in which the service has answered
---@field private _question table? what one call asks for all that want to know the dialect
---@field private _base_url string
---@field private _loop openhands.Loop
---@field private _retry openhands.Retry
---@field private _waiting table<integer, openhands.Pending> what is awaited, by the number of the exchange
---@field private _watched table<integer, openhands.Pending> those whose responses are followed as they come
---@field private _awaited table<openhands.Pending, integer> how many wait for each
---@field private _options table the one table of options for the core
---@field private _young table<string, openhands.Memory?> what is remembered, by id
---@field private _old table<string, openhands.Memory?> the same of the generation before
---@field private _young_count integer
---@field private _conversation table metatable of its conversations
---@field private _watch openhands.Watch
---@field private _served table? the `date` of the service's latest answer, and the `moment` here
---@field private _own_servers_after number? monotonic moment before which no conversation's own server is asked
---@field private _own_servers_pause number? seconds for which they are not
---@field private _carrier table? who hands exchanges to a transport
---@field private _deferred_interrupt any the error of a Ctrl-C during logging: the next exchange raises it
---@field private _closed boolean?
local methods = {}

local Client = { __index = methods, __name = "openhands.Client" }

for _, room in ipairs { calls, in_flight, concurrency, vocabulary.methods } do
  for name, method in pairs(room) do
    methods[name] = method
  end
end

local M = {}

local REMEMBERED = 4096 -- ids per generation, two to a conversation; two generations are kept

--- Makes a client. Raises for malformed settings; nothing is opened before the first call.
---@param given openhands.Settings?
---@return openhands.Client
function M.new(given)
  local values, origins = settings.of_client(given)
  local keys = credentials.take(values, origins)
  local made, handle = pcall(core.new, {
    base_url = values.base_url,
    api_key = keys.api_key,
    session_api_key = keys.session_api_key,
    organization = values.organization,
    user_agent = values.user_agent,
    ca_file = values.ca_file,
    proxy = values.proxy,
    connect_timeout = values.connect_timeout,
    max_body = values.max_body,
    max_memory = values.max_memory,
    external = values.transport ~= nil,
  })
  local mistake = not made and core.mistake(handle)
  if mistake then
    local variable = mistake:find("^base_url") and origins.base_url:find("^OPENHANDS") and origins.base_url
    errors.raise("new: " .. mistake .. (variable and (" (from %s)"):format(variable) or ""))
  elseif not made then
    error(handle, 0)
  end
  local self = setmetatable({
    _core = handle,
    _settings = values,
    _has_key = (keys.api_key or keys.session_api_key) ~= nil,
    _key_problems = { account = keys.problem, session = keys.session_problem },
    _api = values.api ~= "auto" and values.api or nil,
    _is_guess = values.api == "auto",
    _has_spoken = {}, -- dialects in which the service has answered
    _base_url = addresses.without_slashes(values.base_url),
    _loop = loops.of(values.loop, values.transport),
    _retry = retry.new(values.random),
    -- Held by who waits; an abandoned wait (Ctrl-C) leaves nothing behind.
    _waiting = setmetatable({}, { __mode = "v" }),
    _watched = setmetatable({}, { __mode = "v" }),
    _awaited = setmetatable({}, { __mode = "k" }),
    _options = {},
    _young = {},
    _old = {},
    _young_count = 0,
  }, Client)
  self._conversation = conversations.class(self)
  for name, group in pairs(vocabulary.groups_of(self)) do
    self[name] = group
  end
  self._watch = watches.new(self)
  self._loop.attach(self)
  return self
end

function Client:__tostring()
  return ("openhands.Client (%s%s)"):format(self._base_url, self._closed and ", closed" or "")
end

-- ---- what the other rooms use ------------------------------------------------------------------------------------

function methods:_now()
  return self._loop.now()
end

--- Whole seconds since 1970, as the service counts them, within a few minutes.
function methods:_wall()
  return math.floor(self._loop.wall())
end

function methods:_page(id)
  return self._base_url .. "/conversations/" .. id
end

--- A copy of a foreign value without secrets; of those that this client knows as long as it is open.
function methods:_clean(value)
  if self._closed then
    return core.clean(value)
  end
  return self._core:clean(value)
end

--- One line of a foreign text, likewise.
---@param text string
---@param most integer? bytes, 1000
---@return string
function methods:_line(text, most)
  if self._closed then
    return core.line(text, most)
  end
  return self._core:line(text, most)
end

-- A log that fails, or a client that is closed, must not lose the answer that it was to tell of.
local function log(self, clean, text)
  local good, problem = pcall(function()
    self._settings.log(clean(self._core, text))
  end)
  if not good and errors.is_interrupt(problem) then
    self._deferred_interrupt = problem -- for the next exchange: it is not sent
  end
end

--- Logs one line, whatever is in it.
function methods:_log(format, ...)
  log(self, self._core.line, format:format(...))
end

--- Logs a text of several lines.
---@param text string
function methods:_log_text(text)
  log(self, self._core.clean, text)
end

--- What this client has seen of a conversation. Bounded: what was not asked for in a while is forgotten.
---@param id string
---@return openhands.Memory
function methods:_remember(id)
  local memory = self._young[id]
  if memory then
    return memory
  end
  -- Under the id as it is compared, and under this spelling of it, which the next look will ask for.
  local key = conversations.same_id(id)
  memory = self._young[key] or self._old[key] or {}
  self._young_count = self._young_count + 2
  if self._young_count > REMEMBERED then
    self._old, self._young, self._young_count = self._young, {}, 2
  end
  self._young[key], self._young[id] = memory, memory
  return memory
end

--- How a conversation stands, in either dialect.
function methods:_status(id, call)
  local conversation, err = self:_look_up(id, call)
  if err then
    err.conversation_id = err.conversation_id or id
  end
  return conversation, err
end

function methods:_look_up(id, call)
  local function look(api)
    if api == "v1" then
      local conversation, err = lookup.status(self, id, call)
      return conversation or nil, not conversation and (err or lookup.unknown(id)) or nil
    end
    local answer, err = self:_read("status", id, call, "v0")
    if err then
      return nil, err
    elseif answer == core.null then
      return nil, lookup.unknown(id)
    end
    return conversations.from_status(self, answer, "v0", id, call.grace)
  end
  local known = rawget(call, "api") == nil and self:_remember(id).api
  if known then
    return look(known)
  end
  return self:_in_dialect("status", id, call, look)
end

--- The id under which the service has a conversation: old ones give ids of their own.
---@param id string
---@return string
function methods:_served_id(id)
  return self:_remember(id).conversation_id or id
end

--- An id as it is shown, if anybody here has seen it under another spelling.
---@param id string
---@return string
function methods:_spelling(id)
  local memory = self._young[id]
  if not memory then
    local key = conversations.same_id(id)
    memory = self._young[key] or self._old[key]
  end
  return memory and memory.spelling or id
end

-- The id in what a caller gave for a conversation, as it is shown; raises if there is none. What is remembered has been
-- checked.
function methods:_id_of(subject, caller)
  local is_known = type(subject) == "string" and self._young[subject]
  local id = is_known and subject or conversations.id_of(subject, caller)
  local spelling = self:_spelling(id)
  return not spelling:find("-", 1, true) and id:find("-", 1, true) and id or spelling
end

-- ---- what users call ---------------------------------------------------------------------------------------------

--- Raises for a call that cannot be: without a client, on one that is closed, or in a task that was cancelled.
---@param name string
---@param may_be_cancelled boolean?
function methods:_check_usable(name, may_be_cancelled)
  if getmetatable(self) ~= Client then
    errors.raise(("%s: is a method: call client:%s(...) with a colon"):format(name, name))
  elseif self._closed then
    errors.raise(name .. ": this client is closed")
  end
  if not may_be_cancelled then
    tasks.check(name)
  end
end

--- A call of a user's: its settings, and the moment by which it has to end. Raises for the caller's mistakes.
---@param name string
---@param options table?
---@param own table<string, boolean>? options that are no settings
---@return table call
function methods:_begin(name, options, own)
  methods._check_usable(self, name)
  local call = settings.of_call(self._settings, name, options, own)
  call.deadline_at = self:_now() + call.deadline
  return call
end

--- The same call with all its time before it, or with another end: for calls of many exchanges over a long time.
---@param call table
---@param deadline_at number? monotonic moment
---@return table call
function methods:_fresh(call, deadline_at)
  local fresh = {}
  for name, value in pairs(call) do
    fresh[name] = value
  end
  fresh.deadline_at = deadline_at or self:_now() + call.deadline
  return setmetatable(fresh, self._settings)
end

local begin = methods._begin

--- Starts a conversation: a paid job that an agent works on. Sent at most once; see the kinds `ambiguous` and `limit`.
---@param fields openhands.StartFields
---@param options openhands.StartOptions? `resume` (boolean: the `conversation_id` in the fields may have been sent
--- before, by this or another process; it is looked for during the whole `grace` before anything is sent), `stream`
--- (boolean, V1: returns when the conversation is ready, or has failed to start), `on_progress` (function, as `stream`,
--- and called with the conversation at each step of its start), `on_id` (function, called with the conversation's id
--- before anything is sent: who has noted it can take the start up again whatever comes; V0 has no such id), and
--- settings of this call. The four may stand among the fields too.
---@return openhands.Conversation? conversation with `state` "starting"
---@return openhands.Error? err
function methods:start(fields, options)
  local call = begin(self, "start", options, start_options.names)
  local rest, how = start_options.split("start", fields, options)
  return start.start(self, rest, call, how)
end

--- How a conversation stands now. Where V0 says that the runtime is down, the events tell whether the work has ended.
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.Settings? settings of this call
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function methods:status(subject, options)
  local call = begin(self, "status", options)
  local conversation, err = self:_status(self:_id_of(subject, "status"), call)
  if conversation and endings.is_down(self, conversation) then
    endings.add(self, conversation, call, true)
  end
  return conversation, err
end

--- Waits until a conversation settles: finished, failed, waiting for a person, paused, stopped or gone. A wait that
--- ends early (kind "timeout") says nothing of the job: it goes on, and `err.conversation` is how it was last seen.
---
--- All waits of a client share their requests, which go out about once a second at most, however many wait; who gives
--- an `interval` has a pace of their own. On V0 the end of work is read from the events: an agent that has worked and
--- waits for somebody to speak has `finished`, its turn has ended with a message. Where the service does not show them,
--- V0 tells only that the runtime went down (`stopped`).
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.WaitOptions? `timeout` (seconds to wait, 12 hours; its last look may take one more),
--- `interval` (seconds between looks), `answer_timeout` (seconds for which the answer, or why it failed, is looked for
--- after it has settled, 40: services get to know of it late), `outage_timeout` (seconds of trouble that a wait
--- outlives, 900: any that passes, for an id of which nobody has told anything; for others, web pages and the like
--- instead of answers. That the service cannot be reached those outlive to their end), `on_change` (function, called
--- with the conversation and its previous state), and settings of this call
---@return openhands.Conversation? conversation with `answer`
---@return openhands.Error? err
function methods:wait(subject, options)
  local call = begin(self, "wait", options, wait_options.names)
  local id = self:_id_of(subject, "wait")
  wait_options.check("wait", options or {})
  local latest = getmetatable(subject) == self._conversation and subject or nil
  ---@cast latest openhands.Conversation?
  return waits.wait(self, id, latest, call, options or {})
end

--- Waits until all of several conversations settle. If some do not, `err.conversations` is how each was last seen
--- (`false`: never), and `err.errors` why, by their places in the list. After the timeout, what has settled in time
--- still gets its answer read.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation[]? conversations in the order given
---@return openhands.Error? err
function methods:wait_all(subjects, options)
  local call = begin(self, "wait_all", options, wait_options.names)
  wait_options.check("wait_all", options or {})
  return waits.all(self, subjects, call, options or {})
end

--- Waits until the first of several conversations settles, or one cannot be waited for.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error|integer|nil place in the list; or why there is none
---@return integer? place of the one that cannot be waited for
function methods:wait_any(subjects, options)
  local call = begin(self, "wait_any", options, wait_options.names)
  wait_options.check("wait_any", options or {})
  return waits.any(self, subjects, call, options or {})
end

--- Starts a conversation and waits until it settles.
---@param fields openhands.StartFields
---@param options openhands.WaitOptions|openhands.StartOptions|nil as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function methods:run(fields, options)
  local call = begin(self, "run", options, wait_options.names_of_run)
  wait_options.check("run", options or {})
  local rest, how = start_options.split("run", fields, options)
  local conversation, err = start.start(self, rest, call, how)
  if not conversation then
    return nil, err
  end
  return waits.wait(self, conversation.conversation_id, conversation, call, options or {})
end

local about_conversations = vocabulary.about_conversations()
about_conversations[#about_conversations + 1] = "status"
about_conversations[#about_conversations + 1] = "wait"
conversations.extend(about_conversations)

--- The names of all that a client can be asked, and the names within each group.
---@return string[] names
---@return table<string, string[]> groups
function M.names()
  local names, groups = {}, {}
  for name in pairs(methods) do
    if name:sub(1, 1) ~= "_" then
      names[#names + 1] = name
    end
  end
  for group, leaves in pairs(vocabulary.groups) do
    groups[group] = {}
    for leaf in pairs(leaves) do
      table.insert(groups[group], leaf)
    end
  end
  return names, groups
end

Client.__close = methods.close

return M
