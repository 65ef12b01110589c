--- Where keys went: the account's to the service only, a session's to the server that it opens.

local M = {}

-- What a sandbox asks of the service, with its own key.
local for_sandboxes = "^/api/v1/sandboxes/[^/]+/settings/secrets"

--- Fails if a key went where it has no business, in any request to the simulator's model.
---@param model openhands.simulator.Model
function M.assert_apart(model)
  if model.leaks[1] then
    error("the account's key went to a sandbox: " .. model.leaks[1].path, 2)
  end
  for _, request in ipairs(model.requests) do
    local is_for_runtime = request.path:find("^/runtime/") or request.path:find(for_sandboxes)
    if request.headers["x-session-api-key"] and not is_for_runtime then
      error("a session key went to the service: " .. request.path, 2)
    end
  end
end

return M
