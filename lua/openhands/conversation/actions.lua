--- Acts on a conversation that exists: update, delete, stop, start again, pause, resume, queue a message. Each action
--- combines several operations, or turns the responses of the dialects into one kind of result.
---
--- Each function gets the client, the operation, the fields with `conversation_id`, and the settings of the call.

local conversations = require "openhands.conversation"
local core = require "openhands.core"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local lookups = require "openhands.conversation.lookup"
local operation_calls = require "openhands.api.operation_calls"
local operations = require "openhands.api.operations"
local settings = require "openhands.settings"
local states = require "openhands.conversation.state"

local M = {}

local all = operations.of_service
local send, queue = all.send, all.queue_message

local KEYLESS_POLLS = 3 -- after this many polls without a session key, a running sandbox is taken to have none
local THROTTLED_PAUSE = 10 -- minimum pause in seconds; the service may ask for a longer one
local WAKING_INTERVAL = 2 -- seconds between polls of a sandbox that wakes up

-- Requests the conversation's status. An error names the action `name` as its operation.
local function refresh(client, name, id, call)
  local conversation, err = client:_status(id, call)
  if err then
    return nil, errors.rename(err, name, id)
  end
  return conversation
end

local function conflict(name, conversation, reason)
  return errors.new {
    kind = "conflict",
    operation = name,
    conversation_id = conversation.conversation_id,
    conversation = conversation,
    message = ("%s: conversation %s %s"):format(name, conversation.conversation_id, reason),
  }
end

--- Changes the title, and other fields that the dialect allows. V1 responds with the conversation; for V0, this
--- function requests the status afterwards.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.update(client, operation, fields, call)
  local id = fields.conversation_id
  local response, err = operation_calls.run(client, operation, fields, call)
  if err then
    return nil, err
  elseif type(response) == "table" and next(response) ~= nil then
    local conversation
    conversation, err = conversations.from_status(client, response, "v1", id, call.grace)
    if err then
      return nil, errors.rename(err, "update", id)
    end
    return conversation
  elseif response == false then
    return nil, errors.rename(lookups.unknown(id), "update")
  end
  return refresh(client, "update", id, call)
end

--- Deletes the conversation and its sandbox or runtime.
---@return boolean? deleted true
---@return openhands.Error? err
function M.delete(client, operation, fields, call)
  local response, err = operation_calls.run(client, operation, fields, call)
  if err then
    return nil, err
  elseif response == false or (type(response) == "table" and response.success == false) then
    return nil, errors.rename(lookups.unknown(fields.conversation_id), "delete")
  end
  client:_remember(fields.conversation_id).deleted = true
  return true
end

-- Returns the reason why a message that is queued now would never be read, or nil. The service reads the queue only
-- once, when the conversation becomes ready.
local function queue_obstacle(client, id, conversation)
  local memory = client:_remember(id)
  if memory.listed or memory.ready_at or conversation and conversation.app_conversation_id then
    return "is ready, and a queued message would not be read any more; use send"
  elseif (conversation and conversation.state or memory.state) == "failed" then
    return "has failed to start"
  end
end

-- Returns the id of the queue: "task-" and the id of the start task, or the conversation's id with dashes.
local function queue_id(client, id)
  local plain, task_id = identifiers.normalize(id:gsub("^task%-", "")), client:_remember(id).start_task_id
  if id:find "^task%-" or task_id and identifiers.normalize(task_id) == plain then
    return "task-" .. plain
  end
  return identifiers.with_dashes(client:_served_id(id))
end

--- Queues a message for a conversation that is starting. The id may be that of the conversation or of its start task.
--- The agent gets the message when the conversation is ready. From then on, use `send`.
---@return table? response
---@return openhands.Error? err kind "conflict": the conversation is already ready, or has failed to start
function M.queue_message(client, operation, fields, call)
  local given = fields.conversation_id
  local id = given:gsub("^task%-", "")
  operation_calls.check(client, operation, fields)
  local api, err = operation_calls.dialect(client, operation, fields, call)
  local conversation, obstacle, response
  if api == "v1" then
    obstacle = queue_obstacle(client, id)
    if not obstacle then
      conversation, err = refresh(client, operation.name, id, call)
      if err and err.kind == "not_found" and client:_remember(id).started_at then
        err = nil -- the conversation was started a moment ago, and the service does not show it yet
      end
      obstacle = not err and queue_obstacle(client, id, conversation)
    end
  end
  if err then
    return nil, err
  elseif obstacle then
    err = conflict(operation.name, conversation or { conversation_id = id }, obstacle)
    err.conversation = conversation
    return nil, err
  end
  fields = { conversation_id = api == "v1" and queue_id(client, given) or given, content = fields.content }
  response, err = operation_calls.perform(client, queue, fields, call, api)
  if err then
    err.conversation_id, err.conversation = id, conversation
    return nil, err
  end
  return response
end

--- Stops the runtime of a V0 conversation.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.stop(client, operation, fields, call)
  local response, err = operation_calls.run(client, operation, fields, call)
  if not response then
    return nil, err
  end
  return conversations.from_v0_stop(client, response, fields.conversation_id)
end

--- Starts the runtime of a V0 conversation again. Its first message is not sent again.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.start_again(client, operation, fields, call)
  local id = fields.conversation_id
  local response, err = operation_calls.run(client, operation, fields, call)
  if not response then
    return nil, err
  end
  local memory = client:_remember(id)
  memory.has_worked, memory.is_restarting = nil, true -- the service reports STOPPED until it is RUNNING again
  response.conversation_id = response.conversation_id or id
  local conversation
  conversation, err = conversations.from_v0_start(client, response)
  if err then
    return nil, errors.rename(err, "start_again", id)
  end
  return conversation
end

-- Returns a V1 conversation that has a sandbox to pause or resume.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
local function with_sandbox(client, name, id, call)
  local conversation, err = refresh(client, name, id, call)
  if not conversation then
    return nil, err
  elseif conversation.api ~= "v1" then
    err = operation_calls.unsupported(name, conversation.api)
    err.conversation_id = id
    return nil, err
  elseif conversation.sandbox_status == nil then
    local words = conversation.state == "failed" and "has failed to start" or "is still starting; wait until it runs"
    return nil, conflict(name, conversation, words)
  elseif not client:_takes("sandboxes." .. name, conversation.sandbox_id, "v1") then
    return nil, errors.protocol(name, "the answer has no usable field 'sandbox_id'", { conversation_id = id })
  end
  return conversation
end

--- Pauses the sandbox of a conversation: nothing runs in it, and it causes no further cost. Other conversations in the
--- same sandbox are paused too.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.pause(client, _, fields, call)
  local conversation, err = with_sandbox(client, "pause", fields.conversation_id, call)
  if not conversation then
    return nil, err
  end
  local response
  response, err = client:_write("sandboxes.pause", conversation.sandbox_id, call, "v1")
  if not response then
    ---@cast err openhands.Error
    return nil, errors.rename(err, "pause", fields.conversation_id)
  end
  client:_remember(conversation.conversation_id).is_paused_by_us = true
  return refresh(client, "pause", fields.conversation_id, call)
end

-- Notes an error of a poll. Returns whether polling goes on: the error is transient, or the service does not show the
-- conversation and its absence is not confirmed yet.
local function note_error(client, id, call, err)
  if err.kind == "not_found" then
    return not states.note_absence(client:_remember(id), client._loop.now(), call.grace)
  end
  return errors.is_transient(err)
end

-- Returns the error for a sandbox that was not up at the deadline. `err`: why its latest status could not be read.
local function not_up_in_time(id, conversation, sandbox, err)
  local words = "the sandbox of conversation %s does not run yet"
  if err then
    words = "it is unknown whether the sandbox of conversation %s runs"
  elseif sandbox == "RUNNING" then
    words = "the sandbox of conversation %s runs, but its session key has not come yet"
  end
  return errors.new {
    kind = "timeout",
    operation = "resume",
    retryable = true,
    conversation_id = id,
    conversation = conversation,
    cause = err and err.kind,
    message = ("resume: %s; try again later"):format(words:format(id)),
  }
end

-- Polls until the sandbox is up. The session key arrives at the same time or a moment later. Some services never send
-- one.
---@return openhands.Conversation? conversation
---@return openhands.Error? err
local function wait_until_up(client, id, call)
  local polls_up = 0
  while true do
    local conversation, err = refresh(client, "resume", id, call)
    if err and not note_error(client, id, call, err) then
      return nil, err
    end
    local sandbox = core.upper(tostring(conversation and conversation.sandbox_status))
    polls_up = polls_up + (sandbox == "RUNNING" and 1 or 0)
    local has_key = conversation and client:_remember(conversation.conversation_id).session_api_key
    if sandbox == "RUNNING" and (has_key or polls_up >= KEYLESS_POLLS) then
      return conversation
    elseif sandbox == "ERROR" or conversation and conversation.state == "gone" then
      return nil, conflict("resume", conversation, "cannot be resumed: its sandbox is " .. core.lower(sandbox))
    elseif client._loop.now() + WAKING_INTERVAL >= call.deadline_at then
      return nil, not_up_in_time(id, conversation, sandbox, err)
    end
    client:_sleep(WAKING_INTERVAL)
  end
end

-- Asks the service to resume the sandbox. The service may refuse for minutes when several are resumed at once.
---@return openhands.Error? err
local function wake(client, sandbox_id, call)
  while true do
    local _, err = client:_write("sandboxes.resume", sandbox_id, call, "v1")
    local pause = err and err.kind == "throttled" and math.max(err.retry_after or 0, THROTTLED_PAUSE)
    if not pause or client._loop.now() + pause >= call.deadline_at then
      return err
    end
    client:_sleep(pause)
  end
end

-- Checks the fields of `resume` before any request is sent, including the message to send afterwards.
local function check_resume(client, fields)
  for name in pairs(fields) do
    if name ~= "conversation_id" and name ~= "send" then
      local misplaced = settings.misplaced("resume", name, {})
      if misplaced then
        errors.raise(misplaced)
      end
      errors.raise(("resume: '%s' is not a field of this call (did you mean 'send'?)"):format(tostring(name)))
    end
  end
  if fields.send ~= nil then
    client:_prepare("send", { conversation_id = fields.conversation_id, content = fields.send }, "v1")
  end
end

--- Resumes the sandbox of a conversation. Waits until it is up and, if the service sends one, has a new session key.
--- The agent continues only when it gets a message, which can be given as `send`.
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
    return nil, errors.rename(err, "resume", id)
  end
  conversation, err = wait_until_up(client, id, call)
  if not conversation then
    return nil, err
  elseif fields.send == nil then
    return conversation
  end
  local response
  response, err = operation_calls.perform(client, send, { conversation_id = id, content = fields.send }, call, "v1")
  if not response then
    ---@cast err openhands.Error
    err.conversation_id, err.conversation = id, conversation
    return nil, err -- its operation stays "send": the conversation is up, and only the message failed
  end
  return refresh(client, "resume", id, call)
end

return M
