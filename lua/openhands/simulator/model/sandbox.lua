--- The sandbox of a conversation, in both dialects: its status, addresses and session key.
local json = require "openhands.simulator.encoding.json"

local M = {}

local null = json.null

-- The V1 status of a sandbox, by the V0 status of its runtime.
local v1_status = { RUNNING = "RUNNING", STARTING = "STARTING", STOPPED = "PAUSED", ERROR = "ERROR" }

--- Returns the V1 status of the sandbox, also for a V0 conversation.
---@param conversation openhands.simulator.Conversation
---@return string? status
function M.status(conversation)
  if conversation.deleted then
    return "MISSING"
  end
  if conversation.api == "v0" then
    return v1_status[conversation.status]
  end
  return conversation.sandbox_status
end

--- Returns the session key of the running sandbox, recognizably not a real one. A resumed sandbox has a new key.
---@param conversation openhands.simulator.Conversation
---@return string|table key or null
function M.session_key(conversation)
  local is_v0 = conversation.api == "v0"
  if (is_v0 and conversation.status or conversation.sandbox_status) ~= "RUNNING" then
    return null
  end
  return ("SIMULATED-%s-key-%d-%d-not-real"):format(is_v0 and "runtime" or "session", conversation.number,
    conversation.session_number)
end

--- Returns the address of the sandbox: below the simulator's own, so that no URL points to a real host.
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@return string
function M.url(conversation, address)
  return address .. "/runtime/" .. conversation.sandbox_id
end

--- Returns the address of the conversation in its sandbox.
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@return string|table url or null
function M.conversation_url(conversation, address)
  if M.status(conversation) ~= "RUNNING" then
    return null
  end
  return M.url(conversation, address) .. "/api/conversations/" .. conversation.id
end

--- Returns the address of the editor in the sandbox.
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@return string|table url or null
function M.editor_url(conversation, address)
  local key = M.session_key(conversation)
  if key == null then
    return null
  end
  return M.url(conversation, address) .. "/vscode/?tkn=" .. key .. "&folder=%2Fworkspace%2Fproject"
end

return M
