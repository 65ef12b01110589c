--- The simulator in a process of its own, and clients of the core that use sockets.
local canary = require "spec.support.canary"
local core = require "openhands.core"
local simulator_process = require "spec.support.simulator_process"

local M = {}

--- Returns a `simulator_process` with functions for specs of the core.
---@param options table? for `simulator.spawn`; default: conversations end at once
function M.new(options)
  local here = simulator_process.new(options or { pace = 0 })
  local reset = here.reset

  --- Removes the jobs and faults of the case before, and what it left for the garbage collector.
  function here.reset()
    reset()
    collectgarbage()
    collectgarbage()
  end

  --- Returns a client of the core.
  ---@param connections integer? the most that it may have, for reads
  ---@return userdata
  function here.handle(connections)
    return core.new { base_url = here.server.address, api_key = canary.key, connections = connections }
  end

  --- Lets requests hang once the server has read them.
  ---@param method string? default: requests of any method
  ---@param count integer? default: all
  function here.hang(method, count)
    local fault = { point = "after_read", action = "hang", match = method and { method = method }, count = count or -1 }
    here.server:faults { fault }
  end

  return here
end

return M
