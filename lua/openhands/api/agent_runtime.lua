--- Decides where a call to an agent server is performed: by the server itself or, for commands, files and git, in a
--- runtime of the conversation. The server's description of itself says whether there is one.

local arguments = require "openhands.api.arguments"
local core = require "openhands.core"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local operation_calls = require "openhands.api.operation_calls"
local operations = require "openhands.api.operations"

local M = {}

local all = operations.of_agent

-- The agent belongs to one conversation, so `conversation_id` is no argument of the calls: `begin` in agent.lua and
-- `operation_for` fill it in.
for name in pairs(core.operation_names(true)) do
  local operation = all[name]
  local row = operation.rows.agent
  local first = row.fields[1]
  if first and first.name == "conversation_id" and first.place == "path" then
    operation.takes_conversation, operation.subject = true, nil
    local second = row.fields[2]
    operation.single_field = second and second.required and second.name or nil
  end
end
all.update.single_field = "title"

--- Returns the id of the conversation as agent servers spell it.
---@param agent openhands.Agent
---@return string
function M.id_of(agent)
  return identifiers.with_dashes(agent._client:_served_id(agent.conversation_id))
end

-- The kinds of error with which an old server answers the request for its description.
local says_nothing_of_runtime = { not_found = true, unsupported = true, protocol = true, permission = true }

-- Returns whether the conversation has a runtime of its own. The server is asked once per conversation.
---@return boolean? has_runtime
---@return openhands.Error? err
local function has_runtime(agent, call)
  local client = agent._client
  local memory = client:_remember(agent.conversation_id)
  if memory.has_runtime == nil then
    local asked = client:_fresh(call, call.deadline_at)
    asked.timeout = nil -- it may be the time of a command
    local info, err = operation_calls.perform(client, all.server_info, {}, asked, "agent")
    if err and not says_nothing_of_runtime[err.kind] then
      return nil, err
    end
    local kind = info and info.conversation_runtime
    memory.has_runtime = type(kind) == "string" and kind ~= "local"
  end
  return memory.has_runtime
end

--- Returns the operation for the place where a call of this conversation is performed, and its fields; or nil and an
--- error.
---@param agent openhands.Agent
---@param operation openhands.Operation
---@param fields table
---@param call table
---@return openhands.Operation? operation
---@return table|openhands.Error fields
function M.operation_for(agent, operation, fields, call)
  local own = all["runtime." .. operation.name]
  local is_there, err = agent._is_runtime, nil
  if own and not is_there and operation ~= all.info then -- `info` is about the conversation
    is_there, err = has_runtime(agent, call)
  end
  if err then
    err.effect = "none" -- the call itself was not sent
    return nil, errors.rename(err, operation.name, agent.conversation_id)
  elseif not (own and is_there) then
    return operation, fields
  end
  fields = arguments.copy(fields)
  fields.conversation_id = M.id_of(agent)
  return own, fields
end

--- Makes one call at the place that `operation_for` chooses.
---@param agent openhands.Agent
---@param operation openhands.Operation
---@param fields table
---@param call table
---@param route openhands.ExchangeOptions?
---@return any value
---@return openhands.Error? err
function M.perform(agent, operation, fields, call, route)
  local row, own = M.operation_for(agent, operation, fields, call)
  if not row then
    return nil, own
  end
  local value, err = operation_calls.perform(agent._client, row, own, call, "agent", route)
  if err then
    return nil, errors.rename(err, operation.name)
  end
  return value
end

return M
