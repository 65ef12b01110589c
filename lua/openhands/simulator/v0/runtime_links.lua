--- Small facts about the runtime of a V0 conversation, which the service and the runtime tell alike: functions
-- `(model, call, job)` by the end of their path.
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local runtime_access = require "openhands.simulator.model.sandbox"

local null = json.null

local function config(_, _, job)
  return reply.json(200, { runtime_id = job.sandbox_id, session_id = job.id })
end

local function vscode_url(_, call, job)
  local key, base = runtime_access.session_key(job), runtime_access.base(job, call.address)
  return reply.json(200, {
    vscode_url = key ~= null and base .. "/vscode/?tkn=" .. key .. "&folder=%2Fworkspace%2Fproject" or null,
  })
end

local function web_hosts(_, call, job)
  local hosts, is_up = {}, runtime_access.session_key(job) ~= null
  if is_up then hosts[runtime_access.base(job, call.address) .. "/work-1"] = 12000 end
  return reply.json(200, { hosts = hosts })
end

return { ["/config"] = config, ["/vscode-url"] = vscode_url, ["/web-hosts"] = web_hosts }
