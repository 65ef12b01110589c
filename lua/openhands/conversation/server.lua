--- Where a conversation's own server is, and the session key that it takes: the agent server of a V1 sandbox, the
--- runtime of a V0 conversation. Both change whenever the conversation wakes; both come from its latest status.
---
--- The account's key never goes there, and the session key nowhere else: the core sends an exchange either to the
--- service with the one, or to the server that came with it with the other.

local addresses = require "openhands.url"
local ascii = require "openhands.ascii"
local errors = require "openhands.errors"

local M = {}

-- Answers that a proxy gives for a sandbox which it does not reach.
local unreached_statuses = { [502] = true, [503] = true, [504] = true }

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

--- Notes where the server is, from any sighting of the conversation.
---@param memory openhands.Memory
---@param answer table what the service says of the conversation
function M.note(memory, answer)
  local server, is_path = addresses.server_of(text(answer.conversation_url) or text(answer.runtime_url))
  -- A service that serves its conversations itself gives a path instead of an address.
  memory.serves_itself = is_path
  local key = text(answer.session_api_key)
  memory.server = key and server
  memory.session_api_key = memory.server and key
end

--- The way to a conversation's own server as it was last seen, without asking; nil: to the service.
---@param memory openhands.Memory
---@return openhands.ExchangeOptions?
function M.last_way(memory)
  return memory.server and { server = memory.server, session_api_key = memory.session_api_key } or nil
end

-- What is the matter with a server that cannot be spoken to, by the state of its conversation.
local obstacles = {
  starting = "and its server does not run yet; wait until it does",
  paused = "and its server does not run; resume it first",
  stopped = "and its server does not run; let it start_again first",
  failed = "and its server runs no more",
  gone = "and its server runs no more",
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
      obstacles[conversation.state] or "but the service tells no way to its server"
    ),
  }
end

local function without_agent_server(operation, id)
  return errors.new {
    kind = "unsupported",
    operation = operation,
    conversation_id = id,
    message = ("%s: the V0 API has no agent server; use the calls of the client itself"):format(operation),
  }
end

--- Where an exchange goes.
---@class openhands.Way
---@field server string? nil: to the service, which serves this conversation itself
---@field session_api_key string?
---@field conversation openhands.Conversation? as it was looked up for this

local function is_up(conversation)
  return ascii.upper(tostring(conversation.status)) == "RUNNING"
end

-- The way to the server as it is known now; looks at the conversation if it is not.
---@return openhands.Way? way
---@return openhands.Error? err
local function locate(client, operation, call, api, id, reads, afresh)
  local memory = client:_remember(id)
  local conversation, err
  if afresh or not (memory.server or (memory.serves_itself and api == "v0")) then
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
  elseif api == "v0" and (memory.serves_itself or reads or is_up(conversation)) then
    return { conversation = conversation } -- older services say nothing of servers; what they have stored can be read
  end
  return nil, out_of_reach(operation, conversation)
end

local function exchange(client, operation, fields, call, api, route, way)
  local joined, conversation = { server = way.server, session_api_key = way.session_api_key }, way.conversation
  for name, value in pairs(route or {}) do
    joined[name] = value
  end
  local value, err = client:_call(operation, fields, call, api, joined)
  if err and err.kind == "server" and not way.server and conversation and not is_up(conversation) then
    return nil, out_of_reach(operation, conversation) -- the service fails where the runtime would be needed
  end
  return value, err
end

-- Whether the conversation may have moved: a refused key, or a proxy that knows the sandbox no more.
local function may_have_moved(err)
  local status = err.status or 0
  return err.kind == "connect"
    or status == 401
    or unreached_statuses[status]
    or status == 404 and type(err.detail) ~= "table" -- the server itself words its errors in JSON
end

local function has_moved(way, other)
  return other.server ~= way.server or other.session_api_key ~= way.session_api_key
end

--- A call to the conversation's own server; looks once where it has moved to, if it has.
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
  local way, err = locate(client, operation, call, api, id, reads, false)
  if not way then
    return nil, err
  end
  local value
  value, err = exchange(client, operation, fields, call, api, route, way)
  if not err then
    return value
  end
  err.conversation_id = err.conversation_id or id
  if not way.server or not may_have_moved(err) then
    return nil, err
  end
  local other, problem = locate(client, operation, call, api, id, reads, true)
  if not other then
    if err.kind ~= "ambiguous" then
      return nil, problem
    end
    err.conversation = problem.conversation
  elseif has_moved(way, other) and (reads or errors.had_no_effect(err)) then
    return exchange(client, operation, fields, call, api, route, other)
  elseif err.status == 401 then
    err.message = ("%s: the server of conversation %s refuses its session key"):format(operation, id)
  end
  return nil, err
end

return M
