--- Calls a conversation's own server: the agent server of a V1 sandbox, the runtime of a V0 conversation. Its address
--- and session key change whenever the conversation wakes; both come with the conversation's latest status.
---
--- The account's key is never sent to this server, and the session key is sent nowhere else: the core sends an exchange
--- either to the service with the account's key, or to the server with the session key that came with its address.

local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"

local M = {}

local MARK = "/api/conversations/"
local SLASH = 47

-- Statuses with which a proxy answers for a sandbox that it cannot reach.
local unreached_statuses = { [502] = true, [503] = true, [504] = true }

-- Removes "/api/conversations/" and the id behind it from the end of a URL.
local function base_of(url)
  local last
  local at = url:find(MARK, 1, true)
  while at do
    last = at
    at = url:find(MARK, at + 1, true)
  end
  return last and not url:find("/[^/]", last + #MARK) and url:sub(1, last - 1) or url
end

-- Returns the base URL of a conversation's own server, from the URL of the conversation there. The core decides whether
-- requests may go there.
---@param url string? as the service names it
---@return string? base of http or https
---@return boolean is_path the URL is a path on the service itself
local function server_of(url)
  if not url or #url > limits.LONGEST_URL then
    return nil, false
  elseif url:byte() == SLASH then
    return nil, url:byte(2) ~= SLASH -- "//host" would be another host
  end
  local scheme = core.lower(url:match("^([A-Za-z]+)://") or "")
  if scheme ~= "http" and scheme ~= "https" then
    return nil, false
  end
  return base_of(url), false
end

--- Notes where the server is, from any response about the conversation.
---@param memory openhands.Memory
---@param response table
function M.note(memory, response)
  local address, key = response.conversation_url, response.session_api_key
  if key == memory.session_api_key and memory.server_address == (address or response.runtime_url) then
    return -- as in the last response
  end
  if type(address) ~= "string" or address == "" then
    address = type(response.runtime_url) == "string" and response.runtime_url or nil
  end
  if type(key) ~= "string" or key == "" then
    key = nil
  end
  if address == memory.server_address and key == memory.session_api_key then
    return
  end
  -- A service that serves its conversations itself gives a path instead of an address.
  local server, is_path = server_of(address)
  memory.server_address, memory.is_served_by_service = address, is_path
  memory.server = key and server
  memory.session_api_key = memory.server and key
end

--- Returns the route to a conversation's own server as it was last seen, without a request; nil: no server is known.
---@param memory openhands.Memory
---@return openhands.ExchangeOptions?
function M.last_route(memory)
  return memory.server and { server = memory.server, session_api_key = memory.session_api_key } or nil
end

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
