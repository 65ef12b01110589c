--- Routes requests below `/runtime/{sandbox_id}`: through the proxy of a sandbox to the agent server of a V1
-- conversation or the runtime of a V0 one. All requests but health checks need the session key of the sandbox. A
-- request that carries the key of the account leaks it, and is recorded in `model.leaks`.
local lists = require "openhands.simulator.lists"
local responses = require "openhands.simulator.http.responses"
local routes = require "openhands.simulator.handler.routes"
local sandbox = require "openhands.simulator.model.sandbox"

local M = {}

local servers = {
  v1 = routes.compile(require "openhands.simulator.agent"),
  v0 = routes.compile(require "openhands.simulator.v0.runtime"),
}

-- Returns the conversations in a sandbox, and the one that represents the sandbox: the first of them, or the sandbox
-- itself if it has no conversation.
local function content_of(model, sandbox_id)
  local function is_there(conversation)
    return conversation.sandbox_id == sandbox_id and sandbox.status(conversation)
  end
  local conversations = lists.select(model:conversations(), is_there)
  return conversations, conversations[1] or lists.select(model:standalone_sandboxes(), is_there)[1]
end

local function page(status, text)
  return responses.raw(status, "text/html", ("<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n")
    :format(text, text))
end

-- The proxy's responses for a sandbox that is not running, by status.
local unreachable = {
  STARTING = function() return page(502, "502 Bad Gateway") end,
  PAUSED = function() return page(503, "503 Service Temporarily Unavailable") end,
  ERROR = function() return responses.raw(503, "text/plain; charset=utf-8", "no healthy upstream") end,
}

local function not_found()
  return responses.raw(404, "text/plain; charset=utf-8", "404 page not found\n")
end

--- Answers a request whose path begins with `/runtime/`.
---@param model openhands.simulator.Model
---@param request_call openhands.simulator.Call
---@return openhands.simulator.Response
function M.respond(model, request_call)
  local call = request_call --[[@as openhands.simulator.SandboxCall]]
  local sandbox_id, path = call.path:match("^/runtime/([^/]+)(.*)$") --[[@as string, string]]
  if call.headers.authorization then
    model.leaks[#model.leaks + 1] = { time = model:time(), method = call.method, path = call.path }
  end
  call.conversations, call.conversation = content_of(model, sandbox_id)
  local status = call.conversation and sandbox.status(call.conversation)
  if not call.conversation or status ~= "RUNNING" then
    return (unreachable[status or "MISSING"] or not_found)()
  end
  -- The proxy merges repeated slashes, so a file path inside the URL path loses its leading slash.
  call.path = path:gsub("//+", "/")
  local methods = {}
  local route, captures = routes.find(servers[call.conversation.api or "v1"], call.method, call.path, methods)
  if not route then
    if #methods == 0 then
      return responses.detail(404, "Not Found")
    end
    return responses.method_not_allowed(methods)
  end
  if not route.open and call.headers["x-session-api-key"] ~= sandbox.session_key(call.conversation) then
    return responses.detail(401, "Unauthorized")
  end
  return route.handler(model, call, captures[1], captures[2])
end

return M
