--- Handles requests about the runtime of a V0 conversation, to which the service and the runtime respond in the same
-- way. Returns functions `(model, call, conversation)` by the last part of the path.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local sandbox = require "openhands.simulator.model.sandbox"

local function config(_, _, conversation)
  return responses.json(200, { runtime_id = conversation.sandbox_id, session_id = conversation.id })
end

local function vscode_url(_, call, conversation)
  return responses.json(200, { vscode_url = sandbox.editor_url(conversation, call.address) })
end

local function web_hosts(_, call, conversation)
  local hosts = {}
  if sandbox.session_key(conversation) ~= json.null then
    hosts[sandbox.url(conversation, call.address) .. "/work-1"] = 12000
  end
  return responses.json(200, { hosts = hosts })
end

return { ["/config"] = config, ["/vscode-url"] = vscode_url, ["/web-hosts"] = web_hosts }
