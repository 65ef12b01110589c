--- What can be done with a conversation that exists: rename, delete, stop, put to sleep, wake. Each takes the place of
--- several operations, or gives one meaning to what the dialects answer.

local ascii = require "openhands.ascii"
local conversations = require "openhands.conversation"
local errors = require "openhands.errors"
local operations = require "openhands.api.rows"
local states = require "openhands.conversation.state"

local M = {}

local all = operations.all(false)
local send, queue = all.send, all.queue_message

local KEYLESS_LOOKS = 3 -- at a sandbox that runs, before it is believed to have no session key to show
local THROTTLED_PAUSE = 10 -- seconds, or as long as the service asks for
local WAKING_INTERVAL = 2 -- seconds between looks at a sandbox that wakes up

-- The conversation as it stands, which has to be one that the service lists.
local function look(client, name, id, call)
  local conversation, err = client:_status(id, call)
  return conversation, err and operations.renamed(err, name, id)
end

local function conflict(name, conversation, what)
  return errors.new {
    kind = "conflict",
    operation = name,
    conversation_id = conversation.conversation_id,
    conversation = conversation,
    message = ("%s: conversation %s %s"):format(name, conversation.conversation_id, what),
  }
end

local function unknown(name, id)
  return errors.new {
    kind = "not_found",
    operation = name,
    conversation_id = id,
    message = ("%s: the service knows no conversation %s"):format(name, id),
  }
end

--- Changes the title and what else the dialect allows; V1 answers with the conversation, V0 is asked for it.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.update(client, operation, fields, call)
  local id = fields.conversation_id
  local answer, err = operations.run(client, operation, fields, call)
  if err then
    return nil, err
  elseif type(answer) == "table" and next(answer) ~= nil then
    return conversations.from_status(client, answer, "v1", id, call.grace)
  elseif answer == false then
    return nil, unknown("update", id)
  end
  return look(client, "update", id, call)
end

--- Deletes the conversation, and what runs for it.
---@return boolean? deleted true
---@return openhands.Error? err
function M.delete(client, operation, fields, call)
  local answer, err = operations.run(client, operation, fields, call)
  if err then
    return nil, err
  elseif answer == false or (type(answer) == "table" and answer.success == false) then
    return nil, unknown("delete", fields.conversation_id)
  end
  client:_remember(fields.conversation_id).deleted = true
  return true
end

-- Why a message would wait in vain: the service looks into the queue once, when the conversation is ready.
local function queue_is_closed(client, id, conversation)
  local memory = client:_remember(id)
  if memory.listed or memory.ready_at or conversation and conversation.app_conversation_id then
    return "is ready, and nobody would read a queued message any more; use send"
  elseif (conversation and conversation.state or memory.state) == "failed" then
    return "has failed to start"
  end
end

-- The id under which the service looks for queued messages: a start task's with a mark, a conversation's dashed.
local function queue_id(client, id)
  local plain, task_id = conversations.same_id(id:gsub("^task%-", "")), client:_remember(id).start_task_id
  if id:find "^task%-" or task_id and conversations.same_id(task_id) == plain then
    return "task-" .. plain
  end
  return conversations.dashed(client:_served_id(id))
end

--- Leaves a message for a conversation that is starting, by its id or its start task's: the agent gets it when the
--- conversation is ready. It serves until then; afterwards there is `send`.
---@return table? answer
---@return openhands.Error? err kind "conflict": it is ready already
function M.queue_message(client, operation, fields, call)
  local given = fields.conversation_id
  local id = given:gsub("^task%-", "")
  operations.check(client, operation, fields)
  local api, err = operations.dialect(client, operation, fields, call)
  local conversation, closed, answer
  if api == "v1" then
    closed = queue_is_closed(client, id)
    if not closed then
      conversation, err = look(client, operation.name, id, call)
      if err and err.kind == "not_found" and client:_remember(id).started_at then
        err = nil -- started here a moment ago, and not shown yet
      end
      closed = not err and queue_is_closed(client, id, conversation)
    end
  end
  if err then
    return nil, err
  elseif closed then
    err = conflict(operation.name, conversation or { conversation_id = id }, closed)
    err.conversation = conversation
    return nil, err
  end
  fields = { conversation_id = api == "v1" and queue_id(client, given) or given, content = fields.content }
  answer, err = operations.exchange(client, queue, fields, call, api)
  if err then
    err.conversation_id = id
    return nil, err
  end
  return answer
end

--- Stops the runtime of a V0 conversation.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.stop(client, operation, fields, call)
  local answer, err = operations.run(client, operation, fields, call)
  if not answer then
    return nil, err
  end
  return conversations.from_v0_stop(client, answer, fields.conversation_id)
end

--- Starts the runtime of a V0 conversation again; what it was asked before is not asked anew.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.start_again(client, operation, fields, call)
  local id = fields.conversation_id
  local answer, err = operations.run(client, operation, fields, call)
  if not answer then
    return nil, err
  end
  local memory = client:_remember(id)
  memory.running, memory.restarts = nil, true -- STOPPED is once more what comes before RUNNING
  answer.conversation_id = answer.conversation_id or id
  return conversations.from_v0_start(client, answer)
end

-- The conversation of V1 that is to sleep or wake, and has a sandbox for that.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
local function with_sandbox(client, name, id, call)
  local conversation, err = look(client, name, id, call)
  if not conversation then
    return nil, err
  elseif conversation.api ~= "v1" then
    err = operations.unsupported(name, conversation.api)
    err.conversation_id = id
    return nil, err
  elseif conversation.sandbox_status == nil then
    local words = conversation.state == "failed" and "has failed to start" or "is still starting; wait until it runs"
    return nil, conflict(name, conversation, words)
  elseif not client:_takes("sandboxes." .. name, conversation.sandbox_id, "v1") then
    return nil, errors.new {
      kind = "protocol",
      operation = name,
      conversation_id = id,
      message = name .. ": the answer has no usable field 'sandbox_id'; check base_url and api",
    }
  end
  return conversation
end

--- Puts the sandbox of a conversation to sleep: nothing in it goes on, and it costs no more. Conversations that share
--- the sandbox sleep too.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.pause(client, _, fields, call)
  local conversation, err = with_sandbox(client, "pause", fields.conversation_id, call)
  if not conversation then
    return nil, err
  end
  local answer
  answer, err = client:_write("sandboxes.pause", conversation.sandbox_id, call, "v1")
  if not answer then
    ---@cast err openhands.Error
    return nil, operations.renamed(err, "pause", fields.conversation_id)
  end
  return look(client, "pause", fields.conversation_id, call)
end

-- Whether a failed look says nothing of the sandbox: the service was not reached, or shows nothing for a moment.
local function passes(client, id, call, err)
  if err.kind == "not_found" then
    return not states.absence_confirmed(client:_remember(id), client:_now(), call.grace)
  end
  return errors.passes(err)
end

-- Looks until the sandbox is up. Its session key comes with that, or a moment later, or from some services never.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
local function wait_until_up(client, id, call)
  local looks_up = 0
  while true do
    local conversation, err = look(client, "resume", id, call)
    if err and not passes(client, id, call, err) then
      return nil, err
    end
    local sandbox = ascii.upper(tostring(conversation and conversation.sandbox_status))
    looks_up = looks_up + (sandbox == "RUNNING" and 1 or 0)
    local has_key = conversation and client:_remember(conversation.conversation_id).session_api_key
    if sandbox == "RUNNING" and (has_key or looks_up >= KEYLESS_LOOKS) then
      return conversation
    elseif sandbox == "ERROR" or conversation and conversation.state == "gone" then
      return nil, conflict("resume", conversation, "cannot be resumed: its sandbox is " .. ascii.lower(sandbox))
    elseif client:_now() + WAKING_INTERVAL >= call.deadline_at then
      err = errors.new {
        kind = "timeout",
        operation = "resume",
        retryable = true,
        conversation_id = id,
        conversation = conversation,
        message = ("resume: the sandbox of conversation %s does not run yet; look again later"):format(id),
      }
      return nil, err
    end
    client:_sleep(WAKING_INTERVAL)
  end
end

-- Asks for the sandbox to wake. When several are asked for at once the service may refuse for minutes.
---@return openhands.Error? err
local function wake(client, sandbox_id, call)
  while true do
    local _, err = client:_write("sandboxes.resume", sandbox_id, call, "v1")
    local pause = err and err.kind == "throttled" and math.max(err.retry_after or 0, THROTTLED_PAUSE)
    if not pause or client:_now() + pause >= call.deadline_at then
      return err
    end
    client:_sleep(pause)
  end
end

-- What is sent after waking is checked before it.
local function check_resume(client, fields)
  for name in pairs(fields) do
    if name ~= "conversation_id" and name ~= "send" then
      errors.raise(("resume: '%s' is not a field of this call (did you mean 'send'?)"):format(tostring(name)))
    end
  end
  if fields.send ~= nil then
    client:_prepare("send", { conversation_id = fields.conversation_id, content = fields.send }, "v1")
  end
end

--- Wakes the sandbox of a conversation and waits until it is up, with its new session key. The agent itself does not go
--- on by that: it needs a message, for which there is `send`.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.resume(client, _, fields, call)
  check_resume(client, fields)
  local id = fields.conversation_id
  local conversation, err = with_sandbox(client, "resume", id, call)
  if not conversation then
    return nil, err
  end
  err = wake(client, conversation.sandbox_id, call)
  if err then
    return nil, operations.renamed(err, "resume", id)
  end
  conversation, err = wait_until_up(client, id, call)
  if not conversation or fields.send == nil then
    return conversation, err
  end
  local answer
  answer, err = operations.exchange(client, send, { conversation_id = id, content = fields.send }, call, "v1")
  if not answer then
    ---@cast err openhands.Error
    err.conversation_id, err.conversation = id, conversation
    return nil, err
  end
  return look(client, "resume", id, call)
end

return M
