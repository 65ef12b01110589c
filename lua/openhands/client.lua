--- One account on one service: settings, and every call as submit -> await -> retry -> value or `nil, err`.

local conversations = require "openhands.conversation"
local core = require "openhands.core"
local dialects = require "openhands.dialect"
local errors = require "openhands.errors"
local lookup = require "openhands.lookup"
local retry = require "openhands.retry"
local settings = require "openhands.settings"
local start = require "openhands.start"
local transports = require "openhands.transport"
local watch = require "openhands.watch"

---@class openhands.Client
local methods = {}

local Client = { __index = methods, __name = "openhands.Client" }

local M = {}

local REMEMBERED = 4096 -- ids per generation, two to a conversation; two generations are kept

-- Seconds that each operation may take unless somebody says otherwise.
local own_timeout = {}
for _, row in ipairs(core.operations()) do
  own_timeout[row.name] = row.timeout
end

local function loop_of(setting, transport)
  if transport then
    return transports.loop(transport)
  elseif type(setting) == "table" then
    for _, name in ipairs { "now", "wall", "sleep", "await", "attach", "detach" } do
      if type(setting[name]) ~= "function" then
        errors.raise(("new: the loop has no function '%s'"):format(name))
      end
    end
    return setting
  end
  local found, loop = pcall(require, "openhands.loop." .. setting)
  if not found then
    errors.raise(("new: there is no loop %q"):format(setting))
  end
  return loop
end

-- A string key goes to the core and stays there; a function is asked before each exchange.
local function split_key(values, origins)
  if type(values.api_key) ~= "string" then
    return nil
  end
  local key = values.api_key
  values.api_key = nil
  if origins.api_key ~= "call" and key:find("[^\33-\126]") then
    return nil, ("the key in %s contains a byte that an API key cannot have (a line break or space?)"):format(
      origins.api_key
    )
  end
  return key
end

--- Makes a client. Raises for malformed settings; nothing is opened before the first call.
---@param given openhands.Settings?
---@return openhands.Client
function M.new(given)
  local values, origins = settings.of_client(given)
  local key, key_problem = split_key(values, origins)
  local made, handle = pcall(core.new, {
    base_url = values.base_url,
    api_key = key,
    organization = values.organization,
    user_agent = values.user_agent,
    ca_file = values.ca_file,
    proxy = values.proxy,
    connect_timeout = values.connect_timeout,
    max_body = values.max_body,
    external = values.transport ~= nil,
  })
  if not made then
    local variable = handle:find("^base_url") and origins.base_url:find("^OPENHANDS") and origins.base_url
    errors.raise("new: " .. handle .. (variable and (" (from %s)"):format(variable) or ""))
  end
  local self = setmetatable({
    _core = handle,
    _settings = values,
    _has_key = key ~= nil,
    _key_problem = key_problem,
    _api = values.api ~= "auto" and values.api or nil,
    _base_url = values.base_url:gsub("/+$", ""),
    _loop = loop_of(values.loop, values.transport),
    _retry = retry.new(values.random),
    -- Held by who waits; an abandoned wait (Ctrl-C) leaves nothing behind.
    _waiting = setmetatable({}, { __mode = "v" }),
    _options = {},
    _young = {},
    _old = {},
    _young_count = 0,
  }, Client)
  self._conversation = conversations.class(self)
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

function methods:_sleep(seconds)
  if not self._closed then
    self._loop.sleep(self, seconds)
  end
end

function methods:_page(id)
  return self._base_url .. "/conversations/" .. id
end

function methods:_log(format, ...)
  -- A log that fails must not lose the answer that it was to tell of.
  pcall(self._settings.log, self._core:redact(format:format(...)))
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

-- Hands the exchanges to a transport that is not the network.
local function carry(self)
  local number, request = self._core:outgoing()
  while number do
    self._core:answer(number, transports.carry(self._settings.transport, request))
    number, request = self._core:outgoing()
  end
end

--- Moves all exchanges on and hands finished ones to whoever waits.
function methods:_pump(seconds)
  if self._settings.transport then
    carry(self)
  else
    self._core:step(seconds)
  end
  local number, value, err = self._core:next()
  while number do
    local box = self._waiting[number]
    if box then
      self._waiting[number] = nil
      box.done, box.value, box.err = true, value, err
    end
    number, value, err = self._core:next()
  end
end

-- The key of this call, or nil when the core has it; false and an error when there is none.
local function key_of(self, call, operation)
  local key = rawget(call, "api_key") or self._settings.api_key
  local problem = self._key_problem
  if type(key) == "function" then
    local good
    good, key = pcall(key) -- what it raises may hold the key
    problem = "the function given as api_key gave no usable key"
    if good and type(key) == "string" and key ~= "" and not key:find("[^\33-\126]") then
      return key
    end
  elseif key then
    return key
  elseif self._has_key then
    return nil
  end
  problem = problem or ("there is no API key: give api_key to openhands.new{...}, or set %s"):format(
    table.concat(settings.key_variables, " or ")
  )
  return false, errors.new { kind = "authentication", operation = operation, message = operation .. ": " .. problem }
end

local function no_time(operation)
  return errors.new {
    kind = "timeout",
    operation = operation,
    sent = false,
    message = ("%s: the time for this call is over; allow more with 'deadline'"):format(operation),
  }
end

--- One exchange: sent at most once, awaited, never repeated.
---@return any value, openhands.Error?
function methods:_exchange(operation, fields, call, api)
  local key, err = key_of(self, call, operation)
  if key == false then
    return nil, err
  end
  if self._closed then
    return nil, errors.new { kind = "closed", operation = operation, message = operation .. ": the client was closed" }
  end
  local now = self:_now()
  local timeout = math.min(call.timeout or own_timeout[operation], call.deadline_at - now)
  if timeout <= 0 then
    return nil, no_time(operation)
  end
  local options = self._options -- one table for all exchanges: the core reads it before it returns
  options.api, options.api_key, options.timeout, options.connect_timeout = api, key, timeout, call.connect_timeout
  options.max_body, options.organization = rawget(call, "max_body"), rawget(call, "organization")
  local good, number, refusal = pcall(core[operation], self._core, fields, options)
  options.api_key = nil
  if not good then
    errors.raise(number)
  elseif not number then
    return nil, errors.from_core(refusal, self._base_url)
  end
  local box = {}
  self._waiting[number] = box
  self._loop.await(self, box)
  if box.err then
    err = errors.from_core(box.err, self._base_url)
    if self._settings.log then
      self:_log("%s (%s) failed after %.3f s: %s", operation, api, self:_now() - now, err.message)
    end
    return nil, err
  end
  if self._settings.log then
    self:_log("%s (%s) answered after %.3f s", operation, api, self:_now() - now)
  end
  return box.value
end

--- A call that changes nothing, repeated while that may help and the time of the call allows it.
---@return any value, openhands.Error?
function methods:_read(operation, fields, call, api)
  local attempt = 1
  while true do
    local value, err = self:_exchange(operation, fields, call, api)
    if not err then
      self._retry:succeeded()
      return value
    end
    local delay = attempt <= call.retries and self._retry:delay(attempt, err)
    if not delay or self:_now() + delay >= call.deadline_at then
      return nil, err
    end
    self:_sleep(delay)
    attempt = attempt + 1
  end
end

--- Checks the fields of a call without sending anything; raises for the caller's mistakes.
---@param api "v0"|"v1"|nil the dialect to check for; nil: those that have the operation
---@return boolean? good, openhands.Error? refusal of that dialect
function methods:_check(operation, fields, api)
  local good, message, refusal = pcall(self._core.check, self._core, operation, fields, api)
  if not good then
    errors.raise(message)
  elseif refusal then
    return nil, errors.from_core(refusal, self._base_url)
  end
  return true
end

--- The dialect for this call: as set for it or for the client, as remembered, or found out.
---@return "v0"|"v1"|nil api, openhands.Error?
function methods:_dialect(operation, fields, call)
  local chosen = rawget(call, "api")
  if chosen and chosen ~= "auto" then
    return chosen
  elseif not self._api then
    self:_check(operation, fields) -- the caller's mistakes come before any question
    local api, err = dialects.ask(self, operation, call)
    if not api then
      return nil, err
    end
    self._api = api
    if self._settings.log then
      self:_log("the service speaks %s", api)
    end
  end
  return self._api
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
  local api, err = rawget(call, "api") == nil and self:_remember(id).api, nil
  if not api then
    api, err = self:_dialect("status", id, call)
  end
  if not api then
    return nil, err
  end
  local conversation
  if api == "v0" then
    local answer
    answer, err = self:_read("status", id, call, "v0")
    if err then
      return nil, err
    elseif answer ~= core.null then
      return conversations.from_status(self, answer, "v0", id, call.grace)
    end
  else
    conversation, err = lookup.status(self, id, call)
    if conversation or err then
      return conversation, err
    end
  end
  return nil, errors.new {
    kind = "not_found",
    operation = "status",
    conversation_id = id,
    message = ("status: the service knows no conversation %s; check the id, "
      .. "and that it belongs to the account of this API key"):format(id),
  }
end

-- The id in what a caller gave for a conversation; raises if there is none. What is remembered has been checked.
function methods:_id_of(subject, caller)
  return type(subject) == "string" and self._young[subject] and subject or conversations.id_of(subject, caller)
end

-- ---- what users call ---------------------------------------------------------------------------------------------

local function begin(self, name, options, own)
  if getmetatable(self) ~= Client then
    errors.raise(("%s: is a method: call client:%s(...) with a colon"):format(name, name))
  elseif self._closed then
    errors.raise(name .. ": this client is closed")
  end
  local call = settings.of_call(self._settings, name, options, own)
  call.deadline_at = self:_now() + call.deadline
  return call
end

local start_options = { resume = true }

--- Starts a conversation: a paid job that an agent works on. Sent at most once; see the kinds `ambiguous` and `limit`.
---@param fields openhands.StartFields
---@param options table? `resume` (boolean: the `conversation_id` in the fields may have been sent before, by this or
--- another process; it is looked for during the whole `grace` before anything is sent), and settings of this call
---@return openhands.Conversation? conversation with `state` "starting", openhands.Error?
function methods:start(fields, options)
  local call = begin(self, "start", options, start_options)
  if type(fields) ~= "table" then
    errors.raise("start: needs a table of fields, not a " .. type(fields))
  end
  return start.start(self, fields, call, options and options.resume)
end

--- How a conversation stands now.
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.Settings? settings of this call
---@return openhands.Conversation? conversation, openhands.Error?
function methods:status(subject, options)
  local call = begin(self, "status", options)
  return self:_status(self:_id_of(subject, "status"), call)
end

local wait_options = { timeout = true, interval = true, on_change = true, resume = true }

local function check_wait_options(name, options)
  for _, field in ipairs { "timeout", "interval" } do
    local value = options[field]
    if value ~= nil and (type(value) ~= "number" or value < 0 or value ~= value) then
      errors.raise(("%s: '%s' must be a number of seconds, at least 0"):format(name, field))
    end
  end
  if options.on_change ~= nil and type(options.on_change) ~= "function" then
    errors.raise(("%s: 'on_change' must be a function, not a %s"):format(name, type(options.on_change)))
  end
end

--- Waits until a conversation settles: finished, failed, waiting for a person, paused, stopped or gone. A wait that
--- ends early (kind "timeout") says nothing of the job: it goes on, and `err.conversation` is how it was last seen.
---@param subject string|openhands.Conversation its id, or the conversation
---@param options table? `timeout` (seconds to wait, 12 hours), `interval` (seconds between looks),
--- `on_change` (function, called with the conversation and its previous state), and settings of this call
---@return openhands.Conversation? conversation with `answer`, openhands.Error?
function methods:wait(subject, options)
  local call = begin(self, "wait", options, wait_options)
  local id = self:_id_of(subject, "wait")
  check_wait_options("wait", options or {})
  local latest = getmetatable(subject) == self._conversation and subject or nil
  return watch.wait(self, id, latest, call, options or {})
end

--- Starts a conversation and waits until it settles.
---@param fields openhands.StartFields
---@param options table? as for `wait`
---@return openhands.Conversation? conversation, openhands.Error?
function methods:run(fields, options)
  local call = begin(self, "run", options, wait_options)
  check_wait_options("run", options or {})
  if type(fields) ~= "table" then
    errors.raise("run: needs a table of fields, not a " .. type(fields))
  end
  local conversation, err = start.start(self, fields, call, options and options.resume)
  if not conversation then
    return nil, err
  end
  return watch.wait(self, conversation.conversation_id, conversation, call, options or {})
end

--- Ends everything this client has in flight, here; conversations go on. May be called again.
function methods:close()
  self._closed = true
  self._loop.detach(self) -- before the descriptor closes
  self._core:close()
end

Client.__close = methods.close

return M
