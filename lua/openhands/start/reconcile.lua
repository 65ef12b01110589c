--- Determines the outcome of a start where it is unknown, and takes up conversations whose ids the caller gives.

local conversations = require "openhands.conversation"
local errors = require "openhands.errors"
local lookups = require "openhands.conversation.lookup"
local search = require "openhands.conversation.start_search"
local start_tasks = require "openhands.conversation.start_tasks"

local M = {}

local LOOKUPS = 3 -- answered lookups that find nothing, before the conversation counts as absent
local UNANSWERED_GRACES = 2 -- grace times after which the call fails if the latest lookup was not answered

--- Returns the error for a start whose outcome is unknown.
---@param id string? of the conversation; nil: this client did not choose one
---@param cause openhands.Error why it is unknown
---@return openhands.Error
function M.ambiguous(id, cause)
  local hint = id and ("start again with conversation_id = %q and { resume = true } to take it up"):format(id)
    or "look for it in the list of conversations before you start another one"
  return errors.new {
    kind = "ambiguous",
    operation = "start",
    effect = "unknown",
    message = ("start: it is unknown whether the conversation was started (%s); %s"):format(
      errors.happened(cause),
      hint
    ),
    status = cause.status,
    cause = cause.kind,
    conversation_id = id,
    detail = cause.detail,
  }
end

--- Returns the reason why the outcome of a start could not be determined.
---@param kind openhands.ErrorKind
---@param message string
---@return openhands.Error
function M.cannot_tell(kind, message)
  return errors.new { kind = kind, operation = "start", message = message }
end

local function under_another_id()
  local message = "the server has a conversation with this prompt under an id of its own; it may be this one"
  return M.cannot_tell("unsupported", message) -- servers of 2025 do not keep the client's id
end

-- Returns whether another lookup cannot help, e.g. if the key was refused or there are too many start tasks to read.
local function is_final(err)
  return err.is_endless or not (err.retryable or errors.is_misread(err) or err.kind == "too_large")
end

-- Repeats a lookup until it finds the conversation, the absence is certain, the time is over, or an error shows that
-- further lookups cannot help. Returns as `reconcile`.
local function look_until_certain(start, unclear_at, look)
  local client, call = start.client, start.call
  ---@type integer, number
  local answered, pause = 0, math.min(1, call.grace / (LOOKUPS + 1))
  local last_error
  while true do
    local asked_at = client._loop.now()
    local conversation, err, lookalike = look()
    if conversation then
      return conversation
    elseif conversation == false then
      answered, last_error = answered + 1, nil
    else
      last_error = err
    end
    local now = client._loop.now()
    if conversation == false and answered >= LOOKUPS and asked_at - unclear_at >= call.grace then
      if lookalike then
        return nil, under_another_id()
      end
      return false
    elseif last_error and is_final(last_error) then
      return nil, last_error
    elseif now + pause >= call.deadline_at or (last_error and now - unclear_at >= UNANSWERED_GRACES * call.grace) then
      return nil, last_error or M.cannot_tell("timeout", "the time for this call is over")
    end
    local left = unclear_at + call.grace - now
    client:_sleep(left > 0 and math.min(pause, left) or pause)
    pause = math.min(pause * 1.5, 10)
  end
end

--- Looks for a start that may have reached the service, until its outcome is certain or the time is over.
---@param start openhands.Start
---@param since openhands.Moment when it was sent
---@param unclear_at number monotonic moment since which its outcome is unknown
---@return openhands.Conversation|false|nil conversation false: it certainly does not exist
---@return openhands.Error? err with nil: why it is still unknown
function M.reconcile(start, since, unclear_at)
  return look_until_certain(start, unclear_at, function()
    return search.find(start.client, start.id, since, start.call, start.fields)
  end)
end

-- Returns whether this client has seen the conversation on the service, and has not deleted it since.
local function is_answered(memory)
  return not memory.deleted and (memory.accepted or memory.listed or memory.start_task_id) ~= nil
end

-- Returns the present state of a conversation that the service is known to have. If the service does not show it yet,
-- or cannot be asked, returns a copy of the answer to its start. A lost conversation is an error. Because the caller
-- may then start another job, it is looked for until its loss is certain, like a start before it is sent again.
local function as_answered(start, memory)
  local client, id = start.client, start.id
  local function look()
    return lookups.status(client, id, start.call)
  end
  local began_at = client._loop.now()
  local conversation, err = look()
  if conversation == false then
    conversation, err = look_until_certain(start, began_at, look)
    if conversation == nil and not memory.accepted then
      err = M.ambiguous(id, err --[[@as openhands.Error]])
    end
  end
  if conversation then
    return conversation
  elseif memory.accepted and err then
    return conversations.from_answer(client, memory)
  end
  return nil, err or errors.new {
    kind = "conflict",
    operation = "start",
    conversation_id = id,
    message = ("start: the service had conversation %s and no longer shows it; for another job choose another "
      .. "'conversation_id'"):format(id),
  }
end

--- Looks for a conversation whose id the caller has given. An earlier call, another process or another machine may have
--- started it.
---@param start openhands.Start
---@return openhands.Conversation|false|nil conversation as `reconcile`
---@return openhands.Error? err
---@return boolean? is_news whether this client had no answer for it until now
function M.take_up(start)
  local client, id, call = start.client, start.id, start.call
  local memory = client:_remember(id)
  if is_answered(memory) then
    return as_answered(start, memory)
  elseif (start.resume or memory.sent_since) and not memory.unclear_at then
    memory.unclear_at, memory.unclear_since = client._loop.now(), memory.sent_since or start_tasks.recent(client)
  elseif not memory.unclear_at then
    local conversation, err, lookalike = search.find(client, id, nil, call, start.fields)
    if conversation == false and lookalike then
      return nil, M.ambiguous(id, under_another_id())
    end
    return conversation, err, not memory.deleted -- a deleted conversation may be shown for a moment
  end
  local conversation, err = M.reconcile(start, memory.unclear_since --[[@as openhands.Moment]], memory.unclear_at)
  if conversation == nil then
    return nil, M.ambiguous(id, err --[[@as openhands.Error]])
  end
  return conversation, nil, true
end

return M
