--- The state of the simulated service: conversations, sandboxes, account, options, virtual time. Time passes only
-- through `advance`, and ids depend only on the seed, so every run is repeatable. This module requires no request
-- handlers: `new` gets the function that answers requests.
local account = require "openhands.simulator.model.account"
local history = require "openhands.simulator.model.history"
local options = require "openhands.simulator.model.options"
local progress = require "openhands.simulator.model.progress"
local script = require "openhands.simulator.model.script"
local throttling = require "openhands.simulator.model.throttling"
local timestamps = require "openhands.simulator.encoding.timestamps"
local uuid = require "openhands.simulator.encoding.uuid"
local workspace = require "openhands.simulator.model.workspace"

local M = {}

---@class openhands.simulator.Request
---@field method string
---@field path string
---@field query? string raw, without "?"
---@field headers? table<string, string> by lower-case name
---@field body? string
---@field address? string of the server, for links in responses

--- One state of a start task.
---@class openhands.simulator.TaskState
---@field task_status string?
---@field task_detail string?
---@field sandbox_status string?
---@field ready_at number? virtual seconds
---@field updated_at number virtual seconds

--- A conversation in the model. A sandbox without a conversation has the same form, but no `api`, `id`, `request`,
--- `prompt`, `title` and `outcome`.
---@class openhands.simulator.Conversation: openhands.simulator.TaskState
---@field api "v0"|"v1"
---@field id string 32 digits
---@field request table the body of its start
---@field prompt string
---@field repository string?
---@field task_id string?
---@field sandbox_id string
---@field number integer position among all conversations, from 1; of a sandbox without a conversation, above 1e6
---@field session_number integer counts the session keys of its sandbox
---@field events table[]
---@field created_at number virtual seconds
---@field title string
---@field outcome string
---@field task_states openhands.simulator.TaskState[]? the states of its start task so far
---@field history openhands.simulator.History?
---@field steps { at: number, changes: table, event: table? }[] the script, by virtual time
---@field next_step integer
---@field status string? of V0
---@field execution_status string?
---@field [string] any other fields, which script.lua changes or request handlers store

--- The options of a model, with the defaults filled in.
---@class openhands.simulator.AllOptions: openhands.simulator.Options
---@field event_count integer
---@field event_pages openhands.simulator.PageBehavior
---@field list_pages openhands.simulator.PageBehavior
---@field git_providers string[]
---@field pace number
---@field epoch number
---@field visibility number

---@class openhands.simulator.Model
---@field options openhands.simulator.AllOptions
---@field starts table[] every accepted start: `{ time, api, conversation_id, task_id, body, repeated }`
---@field requests table[] the last requests: `{ method, path, query, headers, body, time }`
---@field pending table<string, string[]> queued messages, by the id in their path
---@field leaks table[] requests that carried the account's key to a sandbox: `{ time, method, path }`
---@field secrets table[] of the account, the same in both dialects: `{ name, value, description }`
---@field account openhands.simulator.Account
---@field repeated_pages table<string, true> pages that have named themselves as the next one, by path and id
---@field private _respond fun(model: openhands.simulator.Model, request: openhands.simulator.Request):
--- openhands.simulator.Response
---@field private _conversations openhands.simulator.Conversation[]
---@field private _by_id table<string, openhands.simulator.Conversation>
---@field private _by_task table<string, openhands.simulator.Conversation>
---@field private _active openhands.simulator.Conversation[] those with steps left
---@field private _throttles table
---@field private _sandboxes table[] without a conversation
---@field private _time number virtual, seconds
---@field private _random number
local methods = {}
local metatable = { __index = methods, __name = "openhands.simulator.Model" }

--- Creates a model. Raises on an unknown option or value.
---@param given openhands.simulator.Options?
---@param respond fun(model: openhands.simulator.Model, request: openhands.simulator.Request):
--- openhands.simulator.Response
---@return openhands.simulator.Model
function M.new(given, respond)
  local model = setmetatable({
    options = {}, starts = {}, requests = {}, pending = {}, leaks = {}, repeated_pages = {},
    secrets = {}, account = account.new(), _respond = respond,
    _conversations = {}, _by_id = {}, _by_task = {}, _active = {}, _throttles = {}, _sandboxes = {},
  }, metatable)
  for name, value in pairs(options.defaults) do
    model.options[name] = value --[[@as any]]
  end
  model:configure(given or {})
  model._time = model.options.time
  -- From 1 to 2147483646, because `next_random` stays at a multiple of 2147483647 for ever.
  model._random = (model.options.seed - 1) % 2147483646 + 1
  return model
end

--- Changes options. Existing conversations keep their script. Raises on an unknown option or value.
---@param changes openhands.simulator.Options
function methods:configure(changes)
  options.change(self.options, changes)
end

--- Returns the virtual time, in seconds.
---@return number
function methods:time()
  return self._time
end

--- Returns the wall clock of the service, in seconds since 1970.
---@return number
function methods:now()
  return self.options.epoch + self._time
end

--- Formats a virtual time as V1 does.
---@param seconds number
---@return string
function methods:timestamp(seconds)
  return timestamps.utc(self.options.epoch + seconds)
end

-- Lehmer's generator. Its products are below 2^53, so every Lua computes them exactly.
local function next_random(model)
  model._random = model._random * 48271 % 2147483647
  return model._random
end

--- Generates a UUID (version 4 in form) as 32 hexadecimal digits.
---@return string
function methods:new_id()
  local digits = {}
  for index = 1, 8 do
    digits[index] = ("%04x"):format(math.floor(next_random(self) / 128) % 65536)
  end
  local text = table.concat(digits)
  return text:sub(1, 12) .. "4" .. text:sub(14, 16) .. "a" .. text:sub(18)
end

--- Advances virtual time and applies the steps of all scripts that are due.
---@param seconds number
function methods:advance(seconds)
  self._time = self._time + seconds
  local active = {}
  for _, conversation in ipairs(self._active) do
    if progress.apply_due(self, conversation) then
      active[#active + 1] = conversation
    end
  end
  self._active = active
end

--- Replaces the remaining script of a conversation.
---@param conversation openhands.simulator.Conversation
---@param steps table[] as script.lua returns them, with seconds from now
function methods:schedule(conversation, steps)
  conversation.steps, conversation.next_step = {}, 1
  for index, step in ipairs(steps) do
    conversation.steps[index] = { at = self._time + step[1] * self.options.pace, changes = step[2], event = step[3] }
  end
  if progress.apply_due(self, conversation) then
    for _, known in ipairs(self._active) do
      if known == conversation then
        return
      end
    end
    self._active[#self._active + 1] = conversation
  end
end

--- Creates a conversation and starts its script.
---@param fields { api: "v0"|"v1", id: string?, request: table, prompt: string, repository: string? }
---@return openhands.simulator.Conversation
function methods:add_conversation(fields)
  local conversation = fields --[[@as openhands.simulator.Conversation]]
  conversation.id = fields.id or self:new_id()
  conversation.task_id = fields.api == "v1" and self:new_id() or nil
  -- Its ids do not contain "simulated", the key of `openhands-lua simulate`: clients redact their key everywhere.
  conversation.sandbox_id = ("imitation%013d"):format(#self._conversations + 1)
  conversation.number, conversation.session_number, conversation.events = #self._conversations + 1, 1, {}
  conversation.created_at, conversation.updated_at = self._time, self._time
  conversation.title = "Conversation " .. conversation.id:sub(1, 5)
  conversation.outcome = script.outcome_of(conversation.prompt)
    or (conversation.repository == "owner/forbidden" and "start-repository") or self.options.outcome
  for path, text in pairs(self.options.agent_files --[[@as table]]) do
    workspace.write(conversation, path, text)
  end
  self._conversations[conversation.number] = conversation
  self._by_id[conversation.id] = conversation
  if conversation.api == "v1" then
    conversation.task_states, conversation.history = {}, history.new(conversation)
    conversation.history:add_until(self.options.event_count, self:now(), 0.25)
  end
  if conversation.task_id then
    self._by_task[conversation.task_id] = conversation
  end
  self:schedule(conversation, script.of(conversation))
  return conversation
end

--- Emits events of a conversation now.
---@param conversation openhands.simulator.Conversation
---@param name string of a builder in events.lua
---@param ... any its arguments
function methods:emit(conversation, name, ...)
  progress.emit(self, conversation, self._time, name, ...)
end

--- Records an accepted start in `starts`.
---@param conversation openhands.simulator.Conversation
---@param body string
---@param repeated? boolean whether the conversation existed already
function methods:record_start(conversation, body, repeated)
  self.starts[#self.starts + 1] = {
    time = self._time, api = conversation.api, conversation_id = conversation.id, task_id = conversation.task_id,
    body = body, repeated = repeated,
  }
end

--- Pauses the sandbox of a conversation, without an event.
---@param conversation openhands.simulator.Conversation
function methods:pause(conversation)
  conversation.steps, conversation.next_step = {}, 1
  conversation.sandbox_status, conversation.execution_status, conversation.emitted_status = "PAUSED", nil, nil
  conversation.session_number = conversation.session_number + 1
  conversation.updated_at = self._time
end

--- Finds a conversation by its id, visible or not.
---@param id string? 32 digits
---@return openhands.simulator.Conversation?
function methods:find(id)
  return self._by_id[id]
end

--- Finds a conversation by the id of its start task.
---@param task_id string? 32 digits
---@return openhands.simulator.Conversation?
function methods:find_by_start_task(task_id)
  return self._by_task[task_id]
end

--- Finds a V1 conversation that read requests show: its start task is READY, and `is_visible` is true of it.
---@param id string UUID in either spelling
---@return openhands.simulator.Conversation? conversation
function methods:find_visible(id)
  local conversation = self._by_id[uuid.parse(id)]
  if not conversation or conversation.api ~= "v1" or not conversation.ready_at then
    return nil
  end
  return self:is_visible(conversation) and conversation or nil
end

--- Returns the time until the next scripted change of a conversation.
---@param conversation openhands.simulator.Conversation
---@return number? seconds nil if there is none
function methods:seconds_until_change(conversation)
  local step = conversation.steps[conversation.next_step]
  return step and step.at - self._time
end

--- Adds generated events to a V1 conversation, now. Raises if no V1 conversation has the id.
---@param id string UUID in either spelling
---@param count integer
function methods:add_events(id, count)
  local conversation = self._by_id[uuid.parse(id)]
  if not conversation or not conversation.history then
    error("no V1 conversation has the id " .. tostring(id), 2)
  end
  conversation.history:add(count, self:now(), 1e-6)
end

--- Creates a sandbox without a conversation.
---@param spec_id? string its specification
---@return openhands.simulator.Conversation sandbox without `api` and `id`
function methods:add_sandbox(spec_id)
  local number = #self._sandboxes + 1
  local fields = {
    sandbox_id = ("standalone%012d"):format(number), sandbox_spec_id = spec_id, session_number = 1, events = {},
    number = 1e6 + number, -- a part of its session keys, different from the number of every conversation
    created_at = self._time, updated_at = self._time,
  }
  local sandbox = fields --[[@as openhands.simulator.Conversation]]
  self._sandboxes[number] = sandbox
  self:schedule(sandbox, script.of_sandbox())
  return sandbox
end

--- Returns all sandboxes without a conversation, oldest first. Read-only.
---@return openhands.simulator.Conversation[]
function methods:standalone_sandboxes()
  return self._sandboxes
end

--- Returns all conversations, oldest first. Read-only.
---@return openhands.simulator.Conversation[]
function methods:conversations()
  return self._conversations
end

--- Returns the number of conversations created so far: the jobs that the account pays for.
---@return integer
function methods:jobs()
  return #self._conversations
end

--- Tells whether read requests show the conversation: it is old enough (option `visibility`) and not deleted.
---@param conversation openhands.simulator.Conversation
---@return boolean
function methods:is_visible(conversation)
  return not conversation.deleted and self._time >= conversation.created_at + self.options.visibility
end

--- Answers the next requests with HTTP 429, in one of its five forms. Raises if the form is unknown.
---@param name openhands.simulator.Throttle
---@param count? integer number of requests; default 1; -1: all
---@param details? openhands.simulator.ThrottleDetails
function methods:throttle(name, count, details)
  throttling.add(self._throttles, name, count, details)
end

--- Records a request without answering it.
---@param request openhands.simulator.Request
function methods:record(request)
  local log = self.requests
  log[#log + 1] = {
    method = request.method, path = request.path, query = request.query, headers = request.headers,
    body = request.body, time = self._time,
  }
  local most = self.options.max_requests
  if #log <= 2 * most then
    return
  end
  -- The log is shortened only at twice this length, because that moves every entry. It remains the same table, because
  -- callers hold it.
  local size = #log
  for index = 1, size do
    log[index] = log[index + size - most]
  end
end

--- Answers a request without recording it.
---@param request openhands.simulator.Request
---@return openhands.simulator.Response
function methods:respond(request)
  local response = self._respond(self, request)
  table.insert(response.headers, { "Date", timestamps.http(self:now()) })
  return response
end

--- Records and answers a request.
---@param request openhands.simulator.Request
---@return openhands.simulator.Response
function methods:request(request)
  self:record(request)
  return self:respond(request)
end

return M
