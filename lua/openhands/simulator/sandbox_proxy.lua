--- What lives below `/runtime/{sandbox_id}`: the proxy in front of a sandbox, and behind it the agent server of a V1
-- conversation or the nested runtime of a V0 one. Only the sandbox's own key opens them: the key of the account has no
-- business here, and every request that brings one is noted in `model.leaks`.
local access = require "openhands.simulator.model.sandbox"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local routes = require "openhands.simulator.handler.routes"

local M = {}

local servers = {
  v1 = routes.compile(require "openhands.simulator.agent"),
  v0 = routes.compile(require "openhands.simulator.v0.runtime"),
}

-- What is in a sandbox: the jobs; nothing, where it was made by itself.
local function jobs_in(model, sandbox_id)
  local function is_there(job) return job.sandbox_id == sandbox_id and access.sandbox_status(job) end
  local jobs = paging.select(model:all_jobs(), is_there)
  return jobs, jobs[1] or paging.select(model:bare_sandboxes(), is_there)[1]
end

local function page(status, text)
  return reply.raw(status, "text/html", ("<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n")
    :format(text, text))
end

-- What the proxy says when nobody answers behind it.
local unreachable = {
  STARTING = function() return page(502, "502 Bad Gateway") end,
  PAUSED = function() return page(503, "503 Service Temporarily Unavailable") end,
  ERROR = function() return reply.raw(503, "text/plain; charset=utf-8", "no healthy upstream") end,
}

local function not_found()
  return reply.raw(404, "text/plain; charset=utf-8", "404 page not found\n")
end

--- Answers a request whose path begins with `/runtime/`.
---@param model openhands.simulator.Model
---@param call table as routing.lua makes it; gets `jobs`, those of the sandbox, and `job`, which stands for
--- the sandbox
---@return openhands.simulator.Answer
function M.answer(model, call)
  local sandbox_id, path = call.path:match("^/runtime/([^/]+)(.*)$")
  if call.headers.authorization then
    model.leaks[#model.leaks + 1] = { time = model:time(), method = call.method, path = call.path }
  end
  call.jobs, call.job = jobs_in(model, sandbox_id)
  local status = call.job and access.sandbox_status(call.job)
  if status ~= "RUNNING" then return (unreachable[status] or not_found)() end
  -- As the proxy does it, so that a path inside the path does not arrive as it was meant.
  call.path = path:gsub("//+", "/")
  local methods = {}
  local route, captures = routes.find(servers[call.job.api or "v1"], call.method, call.path, methods)
  if not route then
    if #methods == 0 then return reply.detail(404, "Not Found") end
    return reply.detail(405, "Method Not Allowed", { { "Allow", table.concat(methods, ", ") } })
  end
  if not route.open and call.headers["x-session-api-key"] ~= access.session_key(call.job --[[@as table]]) then
    return reply.detail(401, "Unauthorized")
  end
  return route.answer(model, call, captures[1], captures[2])
end

return M
