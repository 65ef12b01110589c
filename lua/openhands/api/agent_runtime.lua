--- Decides where an agent server performs a call: itself, or, for commands, files and git, in a runtime that belongs to
--- the conversation. The server tells which.

local arguments = require "openhands.api.arguments"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local operations = require "openhands.api.operations"
local rows = require "openhands.api.rows"

local M = {}

local all = operations.all(true)

-- The conversation is known: its field is filled in here, and is no argument of the calls.
for _, operation in pairs(all) do
  local row = operation.rows.agent
  local first = row.fields[1]
  if first and first.name == "conversation_id" and first.place == "path" then
    operation.takes_conversation, operation.subject = true, nil
    local second = row.fields[2]
    operation.lone = second and second.required and second.name or nil
  end
end
all.update.lone = "title"

--- The operations of agent servers by name; those of a conversation's own runtime begin with "runtime.".
M.operations = all

--- Returns the id of the conversation as agent servers spell it.
---@param agent openhands.Agent
---@return string
function M.id_of(agent)
  return identifiers.with_dashes(agent._client:_served_id(agent.conversation_id))
end

-- Kinds of error for the server's description of itself that mean an old server.
local says_nothing = { not_found = true, unsupported = true, protocol = true, permission = true }

-- Whether the conversation has a runtime of its own beside the server. Requested once.
---@return boolean? has_runtime
---@return openhands.Error? err
local function has_runtime(agent, call)
  local client = agent._client
  local memory = client:_remember(agent.conversation_id)
  if memory.has_runtime == nil then
    local asked = client:_fresh(call, call.deadline_at)
    asked.timeout = nil -- it may be that of a command
    local info, err = rows.perform(client, all.server_info, {}, asked, "agent")
    if err and not says_nothing[err.kind] then
      return nil, err
    end
    local kind = info and info.conversation_runtime
    memory.has_runtime = type(kind) == "string" and kind ~= "local"
  end
  return memory.has_runtime
end

--- Returns the row of a call where this conversation is, and its fields; or nil and an error.
---@param agent openhands.Agent
---@param operation openhands.Operation
---@param fields table
---@param call table
---@return openhands.Operation? operation
---@return table|openhands.Error fields
function M.placed(agent, operation, fields, call)
  local own = all["runtime." .. operation.name]
  local is_there, err = agent._is_runtime, nil
  if own and not is_there and operation ~= all.info then -- which is about the conversation, not about its runtime
    is_there, err = has_runtime(agent, call)
  end
  if err then
    err.effect = "none" -- of the call itself nothing was sent
    return nil, errors.renamed(err, operation.name, agent.conversation_id)
  elseif not (own and is_there) then
    return operation, fields
  end
  fields = arguments.copy(fields)
  fields.conversation_id = M.id_of(agent)
  return own, fields
end

--- Makes one call, where this conversation is.
---@param agent openhands.Agent
---@param operation openhands.Operation
---@param fields table
---@param call table
---@param route openhands.ExchangeOptions?
---@return any value
---@return openhands.Error? err
function M.perform(agent, operation, fields, call, route)
  local row, own = M.placed(agent, operation, fields, call)
  if not row then
    return nil, own
  end
  local value, err = rows.perform(agent._client, row, own, call, "agent", route)
  return value, err and errors.renamed(err, operation.name)
end

return M
