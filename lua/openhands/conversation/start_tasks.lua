--- Reads V1's start tasks, which show a conversation before it is ready. To find one by the conversation's id, the
--- requests of recent tasks are read: the service's own filter by that id finds nothing until the task is ready.

local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local service_clock = require "openhands.request.service_clock"

local M = {}

local MOST_PAGES = 100 -- of start tasks; a hundred each
local LONGEST_READING = 60 -- seconds
-- Seconds by which the service's clocks may differ. This margin costs little, because tasks come newest first.
local SKEW = 86400
local RECENT = 86400 -- seconds

local function timestamp(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.max(seconds, 0))
end

local function is_same(value, id)
  return type(value) == "string" and identifiers.normalize(value) == id
end

--- Returns whether a start task is about a conversation: the id is in its request, is that of its conversation, or is
--- its own.
---@param task any
---@param id string as `identifiers.normalize` returns it
---@return boolean
function M.is_about(task, id)
  return type(task) == "table"
    and (
      is_same(task.app_conversation_id, id)
      or is_same(task.id, id)
      or (type(task.request) == "table" and is_same(task.request.conversation_id, id))
    )
end

-- Returns the text of a prompt, which is given as text or as V1's message table.
local function prompt_of(message)
  local block = type(message) == "table" and type(message.content) == "table" and message.content[1]
  return type(block) == "table" and block.text or message
end

-- Returns whether a start task has no id chosen by a client, and the same prompt as these fields. Servers of 2025 drop
-- the id that this client chose, so the task may be of its start.
local function is_lookalike(task, fields)
  local request = type(task) == "table" and task.request
  return fields ~= nil
    and type(request) == "table"
    and type(request.conversation_id) ~= "string"
    and prompt_of(request.initial_message) == prompt_of(fields.initial_user_msg or fields.initial_message)
end

local function has_id(task)
  return type(task) == "table" and type(task.request) == "table" and type(task.request.conversation_id) == "string"
end

--- Returns the moment since which tasks are read for an id that this client has never seen.
---@param client openhands.Client
---@return openhands.Moment
function M.recent(client)
  return service_clock.ago(client, RECENT)
end

--- Reads the start tasks created since a moment, newest first, until one is enough.
---@param client openhands.Client
---@param since openhands.Moment
---@param call table
---@param is_enough fun(task: any): boolean? called with each task; true ends the reading
---@param most_pages integer? that are read
---@return boolean? found whether one was enough
---@return openhands.Error? err `is_endless`: there are more than can be read, and that will not change soon
function M.read(client, since, call, is_enough, most_pages)
  -- Until the service's time is known, all tasks are read: by the local clock, the task may seem too old.
  local earliest = service_clock.at_service(client, since)
  local page_id
  local ends_at = client._loop.now() + LONGEST_READING
  for number = 1, most_pages or MOST_PAGES do
    if number > 1 and client._loop.now() >= ends_at then
      break
    end
    local page, err = client:_read("start_tasks.list", {
      created_at__gte = earliest and timestamp(earliest - SKEW),
      limit = 100,
      page_id = page_id,
    }, call, "v1")
    if not page then
      return nil, err
    elseif type(page.items) ~= "table" then
      return nil, errors.protocol("start_tasks.list", "the answer has no list 'items'")
    end
    for _, task in ipairs(page.items) do
      if is_enough(task) then
        return true
      end
    end
    local next_page_id = page.next_page_id
    if next_page_id == nil then
      return false
    elseif type(next_page_id) ~= "string" or next_page_id == page_id then
      return nil, errors.protocol("start_tasks.list", "the answer has no usable 'next_page_id'")
    end
    page_id = next_page_id
  end
  local err = errors.protocol("start_tasks.list", "there are more start tasks than can be read")
  err.is_endless = true
  return nil, err
end

--- Finds the start task of a conversation among those created since a moment.
---@param client openhands.Client
---@param id string
---@param since openhands.Moment
---@param call table
---@param fields table? of the start, to notice a task that may be it although it has no id
---@return table|false? task false: the service shows none
---@return openhands.Error? err
---@return boolean? lookalike with false: a task without an id has the same prompt, and no task that was read has an id
function M.find(client, id, since, call, fields)
  local wanted, found = identifiers.normalize(id), nil
  local lookalike, keeps_ids = false, false
  local all_read, err = M.read(client, since, call, function(task)
    if M.is_about(task, wanted) then
      found = task
      return true
    end
    lookalike, keeps_ids = lookalike or is_lookalike(task, fields), keeps_ids or has_id(task)
  end)
  if found or all_read == nil then
    return found, err
  end
  return false, nil, lookalike and not keeps_ids
end

return M
