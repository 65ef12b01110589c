--- What a conversation's fields mean, in one vocabulary for every dialect, and what can be done with one.

local ascii = require "openhands.ascii"
local errors = require "openhands.errors"
local runtime = require "openhands.conversation.server"
local states = require "openhands.conversation.state"

---@class (partial) openhands.Conversation
---@field conversation_id string its id, in one spelling: with dashes, once the caller or this client has spelt it so
---@field id string? V1: the same as the service spells it
---@field status string V0's words: STARTING, RUNNING, STOPPED, ERROR, ARCHIVED; after a start what the service answered
---@field state openhands.State
---@field settled boolean whether waiting longer makes no sense
---@field url string the page for people
---@field api "v0"|"v1"
---@field start_task_id string? V1: of the task that starts it
---@field answer string? after a wait: the agent's final message, where the service tells
---@field detail string? why it failed, where the service tells
---@field classification openhands.FailureClass? of what kind that is, where the service tells
---@field title string?
---@field cost number? dollars spent on models so far, where the service tells
---@field pull_requests string[] pages of the pull requests it made, as far as the service tells
---@field fields table? what the service sent under names that hold something else here: methods, ids spelt otherwise
---@field session_api_key string? of its own server; `pairs` does not meet it, so that no dump shows it
---@field runtime_url string? V0: base of the conversation's own runtime server
---@field selected_repository string?
---@field created_at string?
local methods = {}

local M = {}

local LONGEST_TITLE = 200 -- bytes of it in a line
local LONGEST_ID = 128 -- bytes

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function is_id(value)
  return type(value) == "string" and #value <= LONGEST_ID and value:find("^[A-Za-z0-9_-]+$") ~= nil
end

-- An id in an answer; what cannot be one is taken for absent.
local function id_in(value)
  return is_id(value) and value or nil
end

-- The same of an id that the service makes up: one that holds a secret of the client's would bring it into every text.
local function new_id_in(client, value)
  return is_id(value) and client:_line(value, LONGEST_ID) == value and value or nil
end

--- An id as it is compared: the service spells the same one with and without dashes.
---@param id string
---@return string
function M.same_id(id)
  if id:find("[%-A-Z]") then
    return ascii.lower((id:gsub("-", "")))
  end
  return id
end

--- A UUID as some parts of the service want it, with its dashes; any other id as it is.
---@param id string
---@return string
function M.dashed(id)
  local plain = M.same_id(id)
  local dashed, count = plain:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$", "%1-%2-%3-%4-%5")
  return count == 1 and #plain == 32 and dashed or id
end

-- As the server itself maps V1 sandboxes to V0.
local v0_words = { PAUSED = "STOPPED", MISSING = "ARCHIVED" }

local function v0_status(sandbox_status)
  local word = text(sandbox_status) and ascii.upper(sandbox_status) or "UNKNOWN"
  return v0_words[word] or word
end

-- Where the public hosts show a pull request; a self-hosted one's address is not known here.
local pull_request_pages = {
  github = "https://github.com/%s/pull/%s",
  gitlab = "https://gitlab.com/%s/-/merge_requests/%s",
  bitbucket = "https://bitbucket.org/%s/pull-requests/%s",
}

local function pull_requests(answer)
  local page, repository = pull_request_pages[answer.git_provider], text(answer.selected_repository)
  local pages = {}
  if type(answer.pr_number) ~= "table" or not page or not repository then
    return pages
  end
  for _, number in ipairs(answer.pr_number) do
    if type(number) == "number" then
      pages[#pages + 1] = page:format(repository, ("%.0f"):format(number))
    end
  end
  return pages
end

-- A field of the service's with the name of a method would hide it: it is kept beside.
local function set_methods_free(answer)
  local fields
  for name, value in pairs(answer) do
    if methods[name] then
      fields = fields or {}
      fields[name] = value
    end
  end
  for name in pairs(fields or {}) do
    answer[name] = nil
  end
  answer.fields = fields or answer.fields
end

-- The session keys of conversations: fields that can be read by name, and that whoever goes through all fields
-- to make a text of them (a dump, JSON, an inspector) does not meet.
local session_keys = setmetatable({}, { __mode = "k" })

local function field(self, name)
  if name == "session_api_key" then
    return session_keys[self]
  end
  return methods[name]
end

-- Notes a spelling under which the service has been asked for a conversation, and knew it. Returns the one in which the
-- id is shown: with dashes, as soon as somebody has spelt it so.
local function spell(memory, id)
  local spelling = memory.spelling
  if not spelling or not spelling:find("-", 1, true) and id:find("-", 1, true) then
    memory.spelling = id
  end
  return memory.spelling
end

-- What the service has sent stays reachable where something else takes its place.
local function replace(answer, name, value)
  local sent = answer[name]
  if sent ~= nil and sent ~= value then
    answer.fields = type(answer.fields) == "table" and answer.fields or {}
    answer.fields[name] = sent
  end
  answer[name] = value
end

local function spelling_of(client, value)
  return id_in(value) and client:_spelling(value) or value
end

-- Ids of other conversations are shown as those show them.
local function spell_others(client, answer)
  for _, name in ipairs { "parent_conversation_id", "app_conversation_id" } do
    replace(answer, name, spelling_of(client, answer[name]))
  end
  local ids, is_respelt = {}, false
  for place, id in ipairs(type(answer.sub_conversation_ids) == "table" and answer.sub_conversation_ids or {}) do
    ids[place] = spelling_of(client, id)
    is_respelt = is_respelt or ids[place] ~= id
  end
  if is_respelt then
    replace(answer, "sub_conversation_ids", ids)
  end
end

-- Adds to what the server sent the fields that every conversation has. The answer is fresh and nobody else's.
local function dress(client, answer, api, id, status, state, settled)
  session_keys[answer], answer.session_api_key = text(answer.session_api_key), nil
  local memory = client:_remember(id)
  memory.api = api
  id = spell(memory, id)
  set_methods_free(answer)
  spell_others(client, answer)
  replace(answer, "conversation_id", id)
  local metrics = answer.metrics
  local cost = type(metrics) == "table" and metrics.accumulated_cost
  answer.cost = type(cost) == "number" and cost or nil
  answer.answer, answer.detail = text(answer.answer), text(answer.detail)
  answer.pull_requests = pull_requests(answer)
  answer.api, answer.url = api, client:_page(id)
  answer.status, answer.state, answer.settled = status, state, settled
  return setmetatable(answer, client._conversation)
end

local function protocol_error(operation, what)
  return errors.new {
    kind = "protocol",
    operation = operation,
    message = ("%s: the answer has no usable field '%s'; check base_url and api"):format(operation, what),
  }
end

--- From the answer to a V0 start.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.from_v0_start(client, answer)
  local id = new_id_in(client, answer.conversation_id)
  if not id then
    return nil, protocol_error("start", "conversation_id")
  end
  client:_remember(id).started_at = client:_now()
  return dress(client, answer, "v0", id, text(answer.status) or "ok", "starting", false)
end

--- From a V1 start task: the answer to a start, or what a look at the task gives.
---@param client openhands.Client
---@param task table
---@param id string the id asked for; an old server may have given the conversation another one
---@param started boolean whether this is the answer to a start
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.from_task(client, task, id, started)
  local task_id = new_id_in(client, task.id)
  if not task_id then
    return nil, protocol_error(started and "start" or "start_tasks.get", "id")
  end
  local memory = client:_remember(id)
  local given = new_id_in(client, task.app_conversation_id)
  if not given and M.same_id(task_id) == M.same_id(id) and type(task.request) == "table" then
    given = new_id_in(client, task.request.conversation_id) -- asked for by the task's own id
  end
  if given and M.same_id(given) ~= M.same_id(id) then
    memory.conversation_id = given
    id = given
  end
  memory.start_task_id = task_id
  memory.started_at = memory.started_at or client:_now()
  local state, settled = states.judge_task(task)
  memory.state = state
  local word = text(task.status) and ascii.upper(task.status) or "UNKNOWN"
  if not started and word ~= "ERROR" then
    word = "STARTING"
  end
  task.start_task_id = task_id
  return dress(client, task, "v1", id, word, state, settled)
end

--- From the answer to a status call.
---@param client openhands.Client
---@param answer table
---@param api "v0"|"v1"
---@param id string the id asked for
---@param grace number seconds
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.from_status(client, answer, api, id, grace)
  local shown = id_in(api == "v0" and answer.conversation_id or api == "v1" and answer.id)
  if not shown then
    return nil, protocol_error("status", api == "v0" and "conversation_id" or "id")
  elseif shown ~= id and M.same_id(shown) ~= M.same_id(id) then
    return nil, protocol_error("status", (api == "v0" and "conversation_id" or "id") .. " that was asked for")
  end
  local memory = client:_remember(id)
  if api == "v0" then
    answer.runtime_url, answer.url = text(answer.url), nil
  end
  runtime.note(memory, answer)
  local state, settled = states.judge(api, answer, memory, client:_now(), grace, api == "v0" and client:_wall())
  local status
  if api == "v1" then
    status = v0_status(answer.sandbox_status)
    if memory.start_task_id then
      answer.start_task_id = memory.start_task_id
    end
  else
    status = text(answer.status) or "UNKNOWN"
  end
  return dress(client, answer, api, id, status, state, settled)
end

--- From the answer to a V0 stop. Its `conversation_status` is what it was before.
---@param client openhands.Client
---@param answer table
---@param id string
---@return openhands.Conversation
function M.from_v0_stop(client, answer, id)
  local memory = client:_remember(id)
  memory.running, memory.state = true, "stopped" -- STOPPED is an end from now on, not a beginning
  memory.server, memory.session_api_key = nil, nil
  return dress(client, answer, "v0", id, "STOPPED", "stopped", true)
end

--- The id in what a caller gave for a conversation; raises if there is none.
---@param subject string|table
---@param caller string
---@return string
function M.id_of(subject, caller)
  local id = subject
  if type(subject) == "table" then
    id = rawget(subject, "conversation_id")
  end
  if type(id) ~= "string" then
    errors.raise(("%s: needs a conversation or its id, not a %s"):format(caller, type(subject)))
  elseif not is_id(id) then
    errors.raise(("%s: not an id: 1 to 128 of A-Z a-z 0-9 _ -, this has %d bytes"):format(caller, #id))
  end
  return id
end

--- Gives conversations a method for each call of a client that is about one. What is a field of a conversation cannot
--- be a method: `status` is `refresh` here, `answer` is `fetch_answer`.
---@param names string[]
function M.extend(names)
  for _, name in ipairs(names) do
    local method = name == "status" and "refresh" or name == "answer" and "fetch_answer" or name
    methods[method] = function(self, ...)
      local class = type(self) == "table" and getmetatable(self)
      local client = class and rawget(class, "client")
      if not client then
        errors.raise(("%s: is a method: call conversation:%s(...) with a colon"):format(method, method))
      end
      return client[name](client, self, ...)
    end
  end
end

-- For a log line: one line, whatever the title holds, and without the key, which only an open client that knows it can
-- leave out.
local function to_line(self)
  local line = ("conversation %s %s"):format(self.conversation_id, self.state)
  local client, title = getmetatable(self).client, text(self.title)
  if title and client._has_key and not client._closed then
    line = ('%s "%s"'):format(line, client:_line(title, LONGEST_TITLE))
  end
  return line
end

--- The metatable of one client's conversations: what they do, they do through that client.
---@param client openhands.Client
---@return table
function M.class(client)
  return { __index = field, __name = "openhands.Conversation", __tostring = to_line, client = client }
end

return M
