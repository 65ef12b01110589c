--- Explains why a call about a conversation failed, where the service's own words do not help: it answers in the same
--- way for an id that it does not know and for a conversation that is still starting, and it names a path of its API
--- for a sandbox that is paused.

local core = require "openhands.core"
local errors = require "openhands.errors"
local lookups = require "openhands.conversation.lookup"

local M = {}

-- After a message that was refused because the sandbox is paused; `openhands-lua` has it in words of its own.
local SEND_WITH_RESUME = "wake it with `resume`, and give it the message there: conversation:resume { send = … }"

-- Returns the error with another message.
local function reworded(err, conversation, message)
  return errors.new {
    kind = err.kind, operation = err.operation, status = err.status, retryable = err.retryable, effect = err.effect,
    detail = err.detail, conversation_id = err.conversation_id, conversation = conversation, message = message,
  }
end

-- Returns whether a conversation that a call did not find may still be starting, or may be unknown: V1 knows none until
-- its start task has ended, V0 knows each from the start on.
local function may_be_starting(client, operation, id)
  local row, memory = operation.rows.v1, client:_remember(id)
  return row ~= nil and row.host ~= "public" and memory.api ~= "v0" and not memory.listed
end

-- Returns the error of a call that did not find its conversation.
local function not_found(client, operation, id, call, err)
  if not may_be_starting(client, operation, id) then
    return err
  end
  local conversation, problem = err.conversation, nil
  if not conversation then
    conversation, problem = client:_status(id, call)
  end
  if problem and problem.kind == "not_found" then
    local unknown = errors.rename(lookups.unknown(id), err.operation --[[@as string]])
    return reworded(err, nil, unknown.message)
  elseif not conversation or conversation.state ~= "starting" then
    return err
  end
  return reworded(err, conversation, ("%s: conversation %s is still starting, and goes on; try again when it runs")
    :format(err.operation, id))
end

-- Returns whether the service refused a call because the sandbox is paused. Only its words tell that from other
-- conflicts.
local function is_about_pause(err)
  local words = err.status == 409 and type(err.detail) == "table" and err.detail.detail
  return type(words) == "string" and core.lower(words):find("sandbox is paused", 1, true) ~= nil
end

--- Returns the error of a call, in our words where they say more than those of the service.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call openhands.Call
---@param err openhands.Error
---@return openhands.Error
function M.of(client, operation, fields, call, err)
  local id = fields.conversation_id
  if type(id) ~= "string" or not err.status then
    return err
  elseif err.kind == "not_found" then
    return not_found(client, operation, id, call, err)
  elseif is_about_pause(err) then
    local advice = err.operation == "send" and SEND_WITH_RESUME or "wake it with `resume`, and try again"
    return reworded(err, err.conversation, ("%s: the sandbox of conversation %s is paused; %s"):format(
      err.operation, id, advice))
  end
  return err
end

return M
