--- Turns the service's responses into conversations: the same fields in every dialect, and the methods that users call.

local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local memories = require "openhands.conversation.memory"
local states = require "openhands.conversation.state"
local times = deferred.module "openhands.conversation.times"

---@class (partial) openhands.Conversation
---@field conversation_id string its id, in one spelling: with dashes, once the caller or this client has spelt it so
---@field id string? V1: the same id, in the service's spelling; until it is ready, the id of its start task
---@field status string V0's words: STARTING, RUNNING, STOPPED, ERROR, ARCHIVED; after a start, the service's own word
---@field state openhands.State
---@field settled boolean whether waiting longer makes no sense
---@field url string the page for people
---@field api "v0"|"v1"
---@field start_task_id string? V1: id of the task that starts the conversation
---@field answer string? once settled, after `wait` or V0's `status`: the agent's final message, if the service sends it
---@field detail string? reason of the failure, or (V0) of a stop by the service, if the service sends one
---@field classification openhands.FailureClass? kind of the failure, if the service sends it
---@field execution_status string? V1: "running", "finished", …
---@field title string?
---@field cost number? dollars spent on models so far, if the service sends it
---@field pull_requests string[] URLs of the pull requests it made, as far as the service sends them
---@field fields table? the service's values for names that are methods here, and ids as the service spells them
---@field session_api_key string? key of its own server; `pairs` omits it, so no dump shows it
---@field runtime_url string? V0: URL of the conversation on its own runtime server
---@field selected_repository string?
---@field created_at string?
---@field age number? seconds since `created_at`, by the service's clock; grows while the table stays the same
---@field elapsed number? seconds that the work has taken until now; once it has settled, from `created_at` until
--- `updated_at` (V0: `last_updated_at`)
local methods = {}

local M = {}

local LONGEST_TITLE = 200 -- bytes of the title in one line of text

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- Returns an id from the service if it is valid, else nil. An id that contains a secret of the client is refused,
-- because it would copy the secret into messages and logs.
local function new_id(client, value)
  return value and client._core:is_harmless_id(value) and value or nil
end

-- V0's words for a status, so that most responses need no check of their type.
local v0_words = {}
for word in ("STARTING RUNNING STOPPED ERROR ARCHIVED"):gmatch "[A-Z]+" do
  v0_words[word] = word
end

-- V0's status for V1's sandbox status, as the service itself maps them.
local v0_statuses = {
  RUNNING = "RUNNING",
  STARTING = "STARTING",
  ERROR = "ERROR",
  PAUSED = "STOPPED",
  MISSING = "ARCHIVED",
}

local function v0_status(sandbox_status)
  local word = text(sandbox_status) and core.upper(sandbox_status) or "UNKNOWN"
  return v0_statuses[word] or word
end

-- Session keys are read like a field but stored here, so that dumps, JSON encoders and inspectors do not show them.
local session_keys = setmetatable({}, { __mode = "k" })

-- Fields that are worked out when they are read.
local derived = {
  session_api_key = function(self)
    return session_keys[self]
  end,
  age = function(self)
    return times.age(self, getmetatable(self).client)
  end,
  elapsed = function(self)
    return times.elapsed(self, getmetatable(self).client)
  end,
}

local function field(self, name)
  local derive = derived[name]
  if derive then
    return derive(self)
  end
  return methods[name]
end

-- Keeps the service's value of a field in `fields`, because the field itself has another value here.
local function keep_sent(response, name, sent)
  response.fields = type(response.fields) == "table" and response.fields or {}
  response.fields[name] = sent
end

local function respell_id(client, response, name)
  local sent = response[name]
  local spelling = identifiers.is_valid(sent) and client:_spelling(sent) or sent
  if spelling ~= sent then
    keep_sent(response, name, sent)
    response[name] = spelling
  end
end

-- Spells the ids of other conversations as those conversations show them.
local function respell_others(client, response)
  respell_id(client, response, "parent_conversation_id")
  respell_id(client, response, "app_conversation_id")
  local sent, ids, is_respelt = response.sub_conversation_ids, {}, false
  for place, id in ipairs(type(sent) == "table" and sent or {}) do
    ids[place] = identifiers.is_valid(id) and client:_spelling(id) or id
    is_respelt = is_respelt or ids[place] ~= id
  end
  if is_respelt then
    keep_sent(response, "sub_conversation_ids", sent)
    response.sub_conversation_ids = ids
  end
end

-- URLs of pull requests on the public hosts. The addresses of self-hosted ones are not known here.
local pull_request_pages = {
  github = "https://github.com/%s/pull/%s",
  gitlab = "https://gitlab.com/%s/-/merge_requests/%s",
  bitbucket = "https://bitbucket.org/%s/pull-requests/%s",
}

-- Returns a list of the service, nil if it has no items.
local function filled(list)
  return type(list) == "table" and list[1] ~= nil and list or nil
end

-- Returns the pages of the pull requests that the service lists by number.
local function pull_requests_of(response, numbers)
  local list, repository = {}, response.selected_repository
  local page = pull_request_pages[response.git_provider]
  for _, number in ipairs(page and text(repository) and numbers or {}) do
    if type(number) == "number" then
      list[#list + 1] = page:format(repository, ("%.0f"):format(number))
    end
  end
  return list
end

-- Turns a response into a conversation: adds the fields that every conversation has. Changes the response in place, so
-- no other code may use that table.
local function to_conversation(client, response, api, id, memory, status, state, settled)
  local metrics, numbers, children = response.metrics, response.pr_number, response.sub_conversation_ids
  if response.session_api_key ~= nil then
    session_keys[response], response.session_api_key = text(response.session_api_key), nil
  end
  memory.api = api
  local spelling = memory.spelling -- changes only to a spelling with dashes
  if not spelling or spelling ~= id and not spelling:find("-", 1, true) and id:find("-", 1, true) then
    memory.spelling, spelling, memory.page = id, id, nil
  end
  memory.page = memory.page or client._base_url .. "/conversations/" .. spelling
  local hiding_fields = core.take_members(response, methods) -- a field with the name of a method would hide it
  if hiding_fields then
    response.fields = hiding_fields
  end
  if children and filled(children) or response.app_conversation_id or response.parent_conversation_id then
    respell_others(client, response)
  end
  local sent = response.conversation_id
  if sent ~= nil and sent ~= spelling then
    keep_sent(response, "conversation_id", sent)
  end
  if metrics or response.cost ~= nil then
    local cost = type(metrics) == "table" and metrics.accumulated_cost
    response.cost = type(cost) == "number" and cost or nil
  end
  if response.answer ~= nil or response.detail ~= nil then
    response.answer, response.detail = text(response.answer), text(response.detail)
  end
  response.pull_requests = numbers and filled(numbers) and pull_requests_of(response, numbers) or {}
  response.url = memory.page
  response.conversation_id, response.api = spelling, api
  response.status, response.state, response.settled = status, state, settled
  return setmetatable(response, client._conversation)
end

local function unusable(operation, name)
  return errors.protocol(operation, ("the answer has no usable field '%s'"):format(name))
end

--- Returns the conversation of the response to a V0 start.
---@param client openhands.Client
---@param response table
---@return openhands.Conversation? conversation
---@return openhands.Error? err kind "protocol"
function M.from_v0_start(client, response)
  local id = new_id(client, response.conversation_id)
  if not id then
    return nil, unusable("start", "conversation_id")
  end
  local memory = client:_remember(id)
  memory.started_at = client._loop.now()
  return to_conversation(client, response, "v0", id, memory, text(response.status) or "ok", "starting", false)
end

-- Returns the id that the service has given to the conversation of a start task; nil if the task does not contain it.
local function id_in_task(client, task, id)
  local given = new_id(client, task.app_conversation_id)
  local request = task.request
  if not given and type(request) == "table" and identifiers.are_same(task.id, id) then
    given = new_id(client, request.conversation_id) -- the caller has asked by the task's own id
  end
  return given
end

--- Returns the conversation of a V1 start task.
---@param client openhands.Client
---@param task table
---@param id string the id asked for; an old server may have given the conversation another one
---@param is_start boolean whether this is the response to a start
---@return openhands.Conversation? conversation
---@return openhands.Error? err kind "protocol"
function M.from_task(client, task, id, is_start)
  local memory, task_id = client:_remember(id), task.id
  local is_known = task_id ~= nil and task_id == memory.start_task_id
  if not is_known and not new_id(client, task_id) then
    return nil, unusable(is_start and "start" or "start_tasks.get", "id")
  end
  memory.start_task_id = task_id
  memory.started_at = memory.started_at or client._loop.now()
  local state, settled = states.judge_task(task)
  memory.state = state
  if not states.is_ready(task) then -- once it is ready, the list decides whether the conversation is there
    states.note_presence(memory)
  end
  if not is_known or task.app_conversation_id then
    local given = task.app_conversation_id ~= id and id_in_task(client, task, id)
    if given and not identifiers.are_same(given, id) then
      local started_at = memory.started_at
      memory.conversation_id = given
      id, memory = given, client:_remember(given)
      memory.start_task_id, memory.started_at = task_id, memory.started_at or started_at
    end
  end
  local status = state == "failed" and "ERROR" or "STARTING"
  if is_start then
    local word = text(task.status) or "UNKNOWN"
    status = word:find "[a-z]" and core.upper(word) or word
  end
  task.start_task_id = task_id
  return to_conversation(client, task, "v1", id, memory, status, state, settled)
end

--- Returns a copy of the service's answer to the start of a conversation.
---@param client openhands.Client
---@param memory openhands.Memory with an `accepted`
---@return openhands.Conversation
function M.from_answer(client, memory)
  local copy = {}
  for name, value in pairs(memory.accepted.fields) do
    copy[name] = value
  end
  return setmetatable(copy, client._conversation) --[[@as openhands.Conversation]]
end

--- Returns a copy of the answer to the start of a conversation, if it is so recent that the service may not show the
--- conversation yet.
---@param client openhands.Client
---@param memory openhands.Memory
---@param grace number seconds
---@return openhands.Conversation?
function M.young_answer(client, memory, grace)
  local accepted = not memory.deleted and memory.accepted
  local is_young = accepted and client._loop.now() - accepted.at < grace
  return is_young and M.from_answer(client, memory) or nil
end

--- Returns the conversation of the response to a status request.
---@param client openhands.Client
---@param response table
---@param api "v0"|"v1"
---@param id string the id asked for
---@param grace number seconds
---@param answered_at number? monotonic moment of the response, if it showed other conversations too
---@return openhands.Conversation? conversation
---@return openhands.Error? err kind "protocol"
function M.from_status(client, response, api, id, grace, answered_at)
  local id_field = api == "v0" and "conversation_id" or "id"
  local shown = response[id_field]
  if shown ~= id then
    if not identifiers.is_valid(shown) then
      return nil, unusable("status", id_field)
    elseif not identifiers.are_same(shown, id) then
      return nil, unusable("status", id_field .. " that was asked for")
    end
  end
  local memory = client:_remember(id)
  if api == "v0" then
    response.runtime_url, response.url = text(response.url), nil
  end
  memories.note_server(memory, response)
  answered_at = answered_at or client._loop.now()
  local may_be_new = api == "v0" and not memory.has_worked and response.status ~= "RUNNING"
  local wall_clock = may_be_new and client:_wall() -- for the age of the conversation
  local state, settled = states.judge(api, response, memory, answered_at, grace, wall_clock)
  local status
  if api == "v0" then
    status = v0_words[response.status] or text(response.status) or "UNKNOWN"
  else
    status = v0_statuses[response.sandbox_status] or v0_status(response.sandbox_status)
    response.start_task_id = memory.start_task_id or response.start_task_id
  end
  return to_conversation(client, response, api, id, memory, status, state, settled)
end

--- Returns the conversation of the response to a V0 stop. The `conversation_status` of that response is the status
--- before the stop.
---@param client openhands.Client
---@param response table
---@param id string
---@return openhands.Conversation
function M.from_v0_stop(client, response, id)
  local memory = client:_remember(id)
  memory.has_worked, memory.state = true, "stopped" -- from now on, STOPPED means the end, not the start
  memory.server, memory.session_api_key = nil, nil
  return to_conversation(client, response, "v0", id, memory, "STOPPED", "stopped", true)
end

--- Gives conversations a method for each client call that takes a conversation. A method cannot have the name of a
--- field: `status` is called `refresh` here, and `answer` is called `fetch_answer`.
---@param names string[]
function M.add_methods(names)
  for _, name in ipairs(names) do
    local method = name == "status" and "refresh" or name == "answer" and "fetch_answer" or name
    methods[method] = function(self, ...)
      local class = type(self) == "table" and getmetatable(self)
      local client = class and rawget(class, "client")
      errors.check_receiver(client, method, "conversation")
      return client[name](client, self, ...)
    end
  end
end

-- Returns one line for logs. The title is included only while the core holds a key and the client is open: otherwise
-- the key could not be redacted in it.
local function to_log_line(self)
  local line = ("conversation %s %s"):format(self.conversation_id, self.state)
  local client, title = getmetatable(self).client, text(self.title)
  if title and client._has_key and not client._closed then
    line = ('%s "%s"'):format(line, client:_line(title, LONGEST_TITLE))
  end
  return line
end

--- Returns the metatable of one client's conversations: their methods call that client.
---@param client openhands.Client
---@return table
function M.class(client)
  return {
    __index = field,
    __name = "openhands.Conversation",
    __tostring = to_log_line,
    client = client,
    redactor = client:_redactor(),
  }
end

return M
