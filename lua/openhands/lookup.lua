--- Where the service shows a V1 conversation: in the list once it is ready, in its start task until then, and for an
--- id that nobody here has seen, in the requests of recent start tasks.

local conversations = require "openhands.conversation"
local errors = require "openhands.errors"
local events = require "openhands.events"
local states = require "openhands.state"

local M = {}

local MOST_PAGES = 100 -- of start tasks; a hundred each
local SKEW = 86400 -- seconds by which the service's clock may differ from ours; newest come first, so it costs little
--- Seconds back in which an unknown id is looked for.
M.RECENT = 86400

local function at(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

local function is_same(value, id)
  return type(value) == "string" and conversations.same_id(value) == id
end

-- Whether a start task is about the conversation, by our id in its request, the service's id, or the task's own.
local function matches(task, id)
  return type(task) == "table"
    and (
      is_same(task.app_conversation_id, id)
      or is_same(task.id, id)
      or (type(task.request) == "table" and is_same(task.request.conversation_id, id))
    )
end

-- The text of a prompt, whether as text or in V1's message table.
local function prompt_of(message)
  local block = type(message) == "table" and type(message.content) == "table" and message.content[1]
  return type(block) == "table" and block.text or message
end

-- Whether a start task bears no id of a client's and asks for the same as these fields: servers of 2025 drop the id
-- that we choose, so this may be our start.
local function is_lookalike(task, fields)
  local request = type(task) == "table" and task.request
  return fields ~= nil
    and type(request) == "table"
    and type(request.conversation_id) ~= "string"
    and prompt_of(request.initial_message) == prompt_of(fields.initial_user_msg or fields.initial_message)
end

local function unreadable(what)
  return errors.new {
    kind = "protocol",
    operation = "search_start_tasks",
    message = ("search_start_tasks: %s; check base_url and api"):format(what),
  }
end

local function bears_id(task)
  return type(task) == "table" and type(task.request) == "table" and type(task.request.conversation_id) == "string"
end

--- The start task of a conversation among those created since a moment.
--- The service's own filter by conversation id is blind until the task is ready, so the requests are read here.
---@param client openhands.Client
---@param id string
---@param since integer seconds since the epoch
---@param call table
---@param fields table? of the start, to notice a task that may be it although it bears no id
---@return table|false? task false: the service shows none, openhands.Error?, boolean? lookalike
function M.start_task(client, id, since, call, fields)
  local wanted, page_id = conversations.same_id(id), nil
  local lookalike, keeps_ids = false, false
  for _ = 1, MOST_PAGES do
    local page, err = client:_read("search_start_tasks", {
      created_at__gte = at(since - SKEW),
      limit = 100,
      page_id = page_id,
    }, call, "v1")
    if not page then
      return nil, err
    elseif type(page.items) ~= "table" then
      return nil, unreadable "the answer has no list 'items'"
    end
    for _, task in ipairs(page.items) do
      if matches(task, wanted) then
        return task
      end
      lookalike, keeps_ids = lookalike or is_lookalike(task, fields), keeps_ids or bears_id(task)
    end
    local next_page_id = page.next_page_id
    if next_page_id == nil then
      return false, nil, lookalike and not keeps_ids
    elseif type(next_page_id) ~= "string" or next_page_id == page_id then
      return nil, unreadable "the answer has no usable 'next_page_id'"
    end
    page_id = next_page_id
  end
  -- What was not read proves nothing.
  return nil, unreadable "there are more start tasks than can be read"
end

local function first(client, operation, id, call)
  local list, err = client:_read(operation, id, call, "v1")
  if not list then
    return nil, err
  end
  return type(list[1]) == "table" and list[1]
end

-- The start task with this id; false if the service knows none.
local function task_by_id(client, task_id, call)
  return first(client, "start_tasks", task_id, call)
end

-- The agent may have begun and ended between two looks; then only its events say that it is not idle for want of work.
local function look_behind_idle(client, conversation, call)
  local execution = conversation.execution_status
  if conversation.settled or type(execution) ~= "string" or execution:lower() ~= "idle" then
    return
  end
  local ending = events.ending(client, conversation.conversation_id, call)
  if ending and ending.agent_acted then
    local memory = client:_remember(conversation.conversation_id)
    memory.running = true
    conversation.state, conversation.settled =
      states.judge("v1", conversation, memory, client:_now(), call.grace, client:_wall())
  end
end

-- The conversation as the service lists it; false if it does not (yet).
local function listed(client, id, call)
  local answer, err = first(client, "status", id, call)
  if not answer then
    return answer, err
  end
  local conversation
  conversation, err = conversations.from_status(client, answer, "v1", id, call.grace)
  if conversation then
    client:_remember(id).listed = true
    look_behind_idle(client, conversation, call)
  end
  return conversation, err
end

--- Looks in every place. `since`: when its start may have been sent, seconds since the epoch.
--- `fields`: of the start, see `start_task`.
---@return openhands.Conversation|false? conversation false: the service knows nothing of it
---@return openhands.Error?
---@return boolean? lookalike with false: a start task without an id asks for the same
function M.anywhere(client, id, since, call, fields)
  local conversation, err = listed(client, id, call)
  if conversation ~= false then
    return conversation, err
  end
  local task, lookalike
  task, err, lookalike = M.start_task(client, id, since or (client:_wall() - M.RECENT), call, fields)
  if not task then
    return task, err, lookalike
  end
  return conversations.from_task(client, task, id, false)
end

-- How a conversation stands whose start task is known: the task's word until it is ready, then the conversation's.
local function by_task(client, id, memory, call)
  local task, err = task_by_id(client, memory.start_task_id, call)
  if task == nil then
    return nil, err
  elseif task == false then
    return false
  end
  local ready = type(task.status) == "string" and task.status:upper() == "READY"
  local conversation
  conversation, err = conversations.from_task(client, task, id, false)
  if not conversation or not ready then
    return conversation, err
  end
  memory.ready_at = memory.ready_at or client:_now()
  local found
  found, err = listed(client, conversation.conversation_id, call)
  if found ~= false then
    return found, err
  end
  -- Ready and not listed yet: that takes a moment. Listed once, or not for long, it is gone.
  return client:_now() - memory.ready_at < call.grace and not memory.listed and conversation
end

--- How a V1 conversation stands, by the shortest way that its memory allows.
---@return openhands.Conversation|false? conversation false: the service knows nothing of it, openhands.Error?
function M.status(client, id, call)
  local memory = client:_remember(id)
  id = memory.conversation_id or id
  if memory.start_task_id and not client:_remember(id).listed then
    local conversation, err = by_task(client, id, memory, call)
    if conversation ~= false or memory.ready_at then
      return conversation, err
    end
  end
  local conversation, err = listed(client, id, call)
  if conversation ~= false or client:_remember(id).listed then
    return conversation, err
  end
  -- People take the id of the start task for the conversation's.
  local task = task_by_id(client, id, call)
  if not task then
    return M.anywhere(client, id, nil, call)
  end
  return conversations.from_task(client, task, id, false)
end

return M
