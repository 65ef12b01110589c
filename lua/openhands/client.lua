--- Makes clients. A client is one account on one service, with its settings. Its methods are defined in the modules
--- that implement them, see client_class.lua.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local api_names = require "openhands.api.names"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local credentials = require "openhands.credentials"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local loops = require "openhands.loop"
local retry = require "openhands.request.retry"
local settings = require "openhands.settings"

-- The modules that define the other methods of the class.
require "openhands.request"
require "openhands.request.in_flight"
require "openhands.conversation.memory"
require "openhands.conversation.status"

-- Modules that the first call of one of their methods loads.
deferred.define(Client, api_names.calls, "openhands.api")
for group, leaves in pairs(api_names.groups) do
  Client._groups[group] = Client._groups[group] or {}
  deferred.define(Client._groups[group], leaves, "openhands.api")
end
deferred.define(Client, { all = true, sleep = true, spawn = true }, "openhands.task.group")
deferred.define(Client, { _find_ends = true }, "openhands.conversation.asleep")
deferred.define(Client, { map = true }, "openhands.fleet.map")
deferred.define(Client, { fleet = true, worker = true }, "openhands.fleet")
deferred.define(Client, { start = true }, "openhands.start")
deferred.define(Client, { run = true, wait = true }, "openhands.wait")
deferred.define(Client, { wait_all = true, wait_any = true }, "openhands.wait.several")

local SLASH = 47

local M = {}

-- Removes the slashes at the end of a URL. Scans it once: a pattern such as "/+$" would start a match at every slash.
local function without_slashes(url)
  local last = #url
  while url:byte(last) == SLASH do
    last = last - 1
  end
  return url:sub(1, last)
end

--- Makes a client. Raises if a setting is malformed. Opens no connection before the first call.
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
    connections = values.connections,
    external = values.transport ~= nil,
  })
  local mistake = not made and core.argument_error(handle)
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
    _has_fixed_key = (keys.api_key or keys.session_api_key) ~= nil and keys.session_problem == nil,
    _key_problems = { account = keys.problem, session = keys.session_problem },
    _api = values.api ~= "auto" and values.api or nil,
    _is_guess = values.api == "auto",
    _confirmed_dialects = {},
    _base_url = without_slashes(values.base_url),
    _loop = loops.of(values.loop, values.transport),
    _retry = retry.new(values.random),
    -- Weak: the waiter owns its record, so the record of a wait aborted by Ctrl-C is collected.
    _waiting = setmetatable({}, { __mode = "v" }),
    _watched = setmetatable({}, { __mode = "v" }),
    _awaited = setmetatable({}, { __mode = "k" }),
    _has_watched = false,
    _spare = false,
    _has_transport = values.transport ~= nil,
    _options = {},
    _memories = {},
    _older_memories = {},
    _memory_count = 0,
    _deferred_interrupt = false, -- looked for by each call, as `_closed`: not in the class, which would take longer
    _closed = false,
  }, Client)
  self._conversation = conversations.class(self)
  for name, leaves in pairs(Client._groups) do
    self[name] = setmetatable({ _client = self }, { __index = leaves, __name = "openhands." .. name })
  end
  self._loop.attach(self)
  return self
end

--- Makes another client, with its own settings. For fleets that are given settings of clients.
---@param given openhands.Settings
---@return openhands.Client
function Client._another(_, given)
  return M.new(given)
end

function Client:__tostring()
  local api = self._api and ", " .. core.upper(self._api) or ""
  local key = self._has_key and "" or ", without a key"
  return ("openhands.Client (%s%s%s%s)"):format(self._base_url, api, key, self._closed and ", closed" or "")
end

-- ---- for the other modules ---------------------------------------------------------------------------------------

--- Returns the monotonic time of the client's loop.
---@return number seconds
function Client:_now()
  return self._loop.now()
end

--- Returns whole seconds since 1970.
---@return integer
function Client:_wall()
  return math.floor(self._loop.wall())
end

--- Returns a copy of a value of the service without secrets. While the client is open, removes its own keys too.
function Client:_clean(value)
  return self._core:redact(value)
end

--- Returns a text of the service as one line without secrets.
---@param text string
---@param most integer? bytes, 1000 by default
---@return string
function Client:_line(text, most)
  return self._core:redact_line(text, most)
end

--- Returns the functions that redact texts for people, for the metatables of what this client returns. Once the client
--- is closed, they do not know its own keys any more.
---@return { redact: (fun(text: string): string), redact_line: (fun(text: string, most: integer?): string) }
function Client:_redactor()
  return {
    redact = function(text)
      return self._closed and core.redact(text) or self._core:redact(text)
    end,
    redact_line = function(text, most)
      return self._closed and core.redact_line(text, most) or self._core:redact_line(text, most)
    end,
  }
end

-- Logs a text, unless the client is closed: then it could not remove its keys from the text. Ignores errors of the log
-- function: the result of the call must not be lost.
local function log(self, clean, text)
  if self._closed or not self._settings.log then
    return
  end
  local good, problem = pcall(function()
    self._settings.log(clean(self._core, text))
  end)
  if not good and errors.is_interrupt(problem) then
    self._deferred_interrupt = problem -- raised by the next exchange instead of sending it
  end
end

--- Logs one line.
function Client:_log(format, ...)
  log(self, self._core.redact_line, format:format(...))
end

--- Logs a text of several lines.
---@param text string
function Client:_log_text(text)
  log(self, self._core.redact, text)
end

local about_conversations = { "status", "wait" }
for name, is_about_conversation in pairs(api_names.calls) do
  if is_about_conversation then
    about_conversations[#about_conversations + 1] = name
  end
end
conversations.add_methods(about_conversations)

--- Returns the names of all public methods of clients, and the names of the calls in each group.
---@return string[] names
---@return table<string, string[]> groups
function M.names()
  local names, groups = {}, {}
  for name in pairs(Client) do
    if name:sub(1, 1) ~= "_" then
      names[#names + 1] = name
    end
  end
  for group, leaves in pairs(Client._groups) do
    groups[group] = {}
    for leaf in pairs(leaves) do
      table.insert(groups[group], leaf)
    end
  end
  return names, groups
end

Client.__close = Client.close

return M
