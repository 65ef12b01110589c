--- Sends requests to the servers in the sandboxes of the simulator's conversations, and to the service, without a
--- client.
local simulated_service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

local M = {}

M.address = simulated_service.address

---@class spec.Sandbox
---@field model openhands.simulator.Model
local methods = {}

--- Makes a model, and an object that sends requests to it.
---@param options? openhands.simulator.Options
---@return spec.Sandbox
function M.new(options)
  return setmetatable({ model = simulator.model(options) }, { __index = methods })
end

--- Sends a request to the service, as its user.
function methods:service(method, target, body)
  return simulated_service.send(self.model, method, target, body)
end

--- Selects the runtime of a job: following requests go there, with its key. Returns the service's answer about the
--- job.
---@param id string of the conversation
function methods:open(id)
  local v1 = self:service("GET", "/api/v1/app-conversations?ids=" .. id)
  local found = self.model:find(id).api == "v1" and v1[1] or self:service("GET", "/api/conversations/" .. id)
  local url = found.conversation_url or found.url
  if type(url) == "string" then
    self.path = url:match("^" .. M.address .. "(/runtime/.*)$")
    self.base = self.path:match("^(.*)/api/conversations/")
    self.key = found.session_api_key
  end
  return found
end

--- Sends a request to the runtime. A `target` without a leading "/" is relative to the conversation's own path.
---@param headers? table<string, string> default: with the key of the runtime
function methods:ask(method, target, body, headers)
  local path = target:sub(1, 1) == "/" and self.base .. target or self.path .. (target ~= "" and "/" or "") .. target
  return simulated_service.send(self.model, method, path, body, headers or { ["x-session-api-key"] = self.key })
end

function methods:get(target, headers) return self:ask("GET", target, nil, headers) end

function methods:post(target, body) return self:ask("POST", target, body) end

--- Sends a form with files.
---@param parts { [1]: string, [2]: string, [3]: string }[] field, file name, content
function methods:upload(target, parts)
  local boundary, lines = "----boundary-of-a-spec", {}
  for _, part in ipairs(parts) do
    lines[#lines + 1] = ("--%s\r\n"):format(boundary)
      .. ('Content-Disposition: form-data; name="%s"; filename="%s"\r\n'):format(part[1], part[2])
      .. "Content-Type: application/octet-stream\r\n\r\n" .. part[3] .. "\r\n"
  end
  return self:ask("POST", target, table.concat(lines) .. "--" .. boundary .. "--\r\n", {
    ["x-session-api-key"] = self.key, ["content-type"] = "multipart/form-data; boundary=" .. boundary,
  })
end

return M
