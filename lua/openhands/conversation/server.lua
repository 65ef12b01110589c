--- Calls a conversation's own server: the agent server of a V1 sandbox, the runtime of a V0 conversation. Its address
--- and session key change whenever the conversation wakes; both come with the conversation's latest status.
---
--- The account's key is never sent to this server, and the session key is sent nowhere else: the core sends an exchange
--- either to the service with the account's key, or to the server with the session key that came with its address.

local core = require "openhands.core"
local errors = require "openhands.errors"

local M = {}

-- Statuses with which a proxy answers for a sandbox that it cannot reach.
local unreached_statuses = { [502] = true, [503] = true, [504] = true }

-- The reasons why a server cannot be called, by the state of its conversation.
local obstacles = {
  starting = "and its server does not run yet; wait until it does",
  paused = "and its server does not run; resume it first",
  stopped = "and its server does not run; call start_again first",
  failed = "and its server has ended",
  gone = "and its server has ended",
}

local function out_of_reach(operation, conversation)
  return errors.new {
    kind = "conflict",
    operation = operation,
    conversation_id = conversation.conversation_id,
    conversation = conversation,
    message = ("%s: conversation %s is %s %s"):format(
      operation,
      conversation.conversation_id,
      conversation.state,
      obstacles[conversation.state] or "but the service does not tell the address of its server"
    ),
  }
end

local function without_agent_server(operation, id)
  return errors.new {
    kind = "unsupported",
    operation = operation,
    conversation_id = id,
    message = ("%s: the V0 API has no agent server; use the calls of the client instead"):format(operation),
  }
end

--- The address of a conversation's server, and its session key.
---@class openhands.Location
---@field server string? nil: the service itself serves this conversation
---@field session_api_key string?
---@field conversation openhands.Conversation? if its status was requested for this

local function is_up(conversation)
  return core.upper(tostring(conversation.status)) == "RUNNING"
end

-- Returns where the server is. Requests the conversation's status if this is not known, or if `afresh` is true.
---@return openhands.Location? location
---@return openhands.Error? err
local function locate(client, operation, call, api, id, reads, afresh)
  local memory = client:_remember(id)
  local conversation, err
  if afresh or not (memory.server or (memory.is_served_by_service and api == "v0")) then
    conversation, err = client:_status(id, call)
    if not conversation then
      return nil, err
    end
    memory = client:_remember(conversation.conversation_id)
  end
  if api == "agent" and memory.api == "v0" then
    return nil, without_agent_server(operation, id)
  elseif memory.server then
    return { server = memory.server, session_api_key = memory.session_api_key, conversation = conversation }
  elseif api == "v0" and (memory.is_served_by_service or reads or is_up(conversation)) then
    return { conversation = conversation } -- older services give no address, but their stored data can be read
  end
  return nil, out_of_reach(operation, conversation)
end

local function send(client, operation, fields, call, api, route, location)
  local joined = { server = location.server, session_api_key = location.session_api_key }
  local conversation = location.conversation
  for name, value in pairs(route or {}) do
    joined[name] = value
  end
  local value, err = client:_call(operation, fields, call, api, joined)
  if err and err.kind == "server" and not location.server and conversation and not is_up(conversation) then
    return nil, out_of_reach(operation, conversation) -- the service failed because this call needs the runtime
  end
  return value, err
end

-- Returns whether the server may have moved: it cannot be reached, it refuses the key, or a proxy does not know the
-- sandbox any more.
local function may_have_moved(err)
  local status = err.status or 0
  return err.kind == "connect"
    or status == 401
    or unreached_statuses[status]
    or status == 404 and type(err.detail) ~= "table" -- the server's own errors are JSON
end

local function has_moved(location, other)
  return other.server ~= location.server or other.session_api_key ~= location.session_api_key
end

--- Makes a call to the conversation's own server. If the server may have moved, requests its new address once, and
--- repeats the call there if that is safe.
---@param client openhands.Client
---@param operation string
---@param fields any
---@param call table
---@param api "v0"|"agent"
---@param id string of the conversation
---@param route openhands.ExchangeOptions?
---@return any value
---@return openhands.Error? err
function M.call(client, operation, fields, call, api, id, route)
  local reads = client:_only_reads(operation, fields, api)
  local location, err = locate(client, operation, call, api, id, reads, false)
  if not location then
    return nil, err
  end
  local value
  value, err = send(client, operation, fields, call, api, route, location)
  if not err then
    return value
  end
  err.conversation_id = err.conversation_id or id
  if not location.server or not may_have_moved(err) then
    return nil, err
  end
  local other, problem = locate(client, operation, call, api, id, reads, true)
  if not other then
    if err.kind ~= "ambiguous" then
      return nil, problem
    end
    err.conversation = problem.conversation
  elseif has_moved(location, other) and (reads or errors.had_no_effect(err)) then
    return send(client, operation, fields, call, api, route, other)
  elseif err.status == 401 then
    err.message = ("%s: the server of conversation %s refuses its session key"):format(operation, id)
  end
  return nil, err
end

return M
