--- One account on one service: its settings, what it remembers, what users call.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local addresses = require "openhands.url"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local credentials = require "openhands.credentials"
local errors = require "openhands.errors"
local loops = require "openhands.loop"
local retry = require "openhands.request.retry"
local settings = require "openhands.settings"
local start = require "openhands.start"
local vocabulary = require "openhands.api"
local wait_options = require "openhands.wait.options"
local waits = require "openhands.wait"
local watches = require "openhands.wait.poller"

-- What defines the other methods of the class.
require "openhands.request"
require "openhands.request.in_flight"
require "openhands.request.prepare"
require "openhands.conversation.memory"
require "openhands.conversation.status"
require "openhands.task.group"

local M = {}

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

function Client:_now()
  return self._loop.now()
end

--- Whole seconds since 1970, as the service counts them, within a few minutes.
function Client:_wall()
  return math.floor(self._loop.wall())
end

function Client:_page(id)
  return self._base_url .. "/conversations/" .. id
end

--- A copy of a foreign value without secrets; of those that this client knows as long as it is open.
function Client:_clean(value)
  if self._closed then
    return core.redact(value)
  end
  return self._core:redact(value)
end

--- One line of a foreign text, likewise.
---@param text string
---@param most integer? bytes, 1000
---@return string
function Client:_line(text, most)
  if self._closed then
    return core.redact_line(text, most)
  end
  return self._core:redact_line(text, most)
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
function Client:_log(format, ...)
  log(self, self._core.redact_line, format:format(...))
end

--- Logs a text of several lines.
---@param text string
function Client:_log_text(text)
  log(self, self._core.redact, text)
end

-- ---- what users call ---------------------------------------------------------------------------------------------

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
function Client:wait(subject, options)
  local call = Client._begin(self, "wait", options, wait_options.names)
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
function Client:wait_all(subjects, options)
  local call = Client._begin(self, "wait_all", options, wait_options.names)
  wait_options.check("wait_all", options or {})
  return waits.all(self, subjects, call, options or {})
end

--- Waits until the first of several conversations settles, or one cannot be waited for.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error|integer|nil place in the list; or why there is none
---@return integer? place of the one that cannot be waited for
function Client:wait_any(subjects, options)
  local call = Client._begin(self, "wait_any", options, wait_options.names)
  wait_options.check("wait_any", options or {})
  return waits.any(self, subjects, call, options or {})
end

--- Starts a conversation and waits until it settles.
---@param fields openhands.StartFields
---@param options openhands.WaitOptions|openhands.StartOptions|nil as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:run(fields, options)
  local call = Client._begin(self, "run", options, wait_options.names_of_run)
  wait_options.check("run", options or {})
  local rest, how = start.split("run", fields, options)
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
  for name in pairs(Client) do
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

Client.__close = Client.close

return M
