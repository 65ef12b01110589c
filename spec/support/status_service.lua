--- The status of a conversation over a real socket: a simulator in a process of its own, a client for it, and faults.
local simulator_process = require "spec.support.simulator_process"

local M = {}

--- Patterns of the paths that a status may read.
M.paths = {
  v0 = "^/api/conversations/[^/]+$", v1 = "^/api/v1/app%-conversations$", task = "/start%-tasks$",
  tasks = "/start%-tasks/search$", events = "/events/search$",
}

--- Returns a `simulator_process` with functions for specs of a status.
function M.new()
  local here = simulator_process.new { pace = 0 }
  here.paths = M.paths

  --- Returns a conversation at the end of its life: the server's answers about it do not change any more.
  function here.settled(api, settings)
    settings = settings or {}
    settings.api = api
    local conversation = assert(here.connect(settings):start(here.fields))
    if api == "v1" then assert(here.client:status(conversation)) end
    return conversation
  end

  --- Sets a fault of the answers to a status.
  function here.strike(api, fault)
    fault.point, fault.count = fault.point or "after_commit", fault.count or -1
    if fault.point ~= "accept" and fault.point ~= "before_read" then
      fault.match = fault.match or { method = "GET", path = M.paths[api] }
    end
    here.server:faults { fault }
  end

  --- Returns the requests to a path.
  function here.requests(path)
    local list = {}
    for _, request in ipairs(here.server:requests()) do
      if request.path:find(path) then list[#list + 1] = request end
    end
    return list
  end

  return here
end

return M
