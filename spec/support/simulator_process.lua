--- A simulator in a process of its own, and one client for it in each case of a spec.
local canary = require "spec.support.canary"
local simulator = require "openhands.simulator"

local M = {}

M.fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

--- Returns a server and functions on it, which are called without `self`. The spec calls `reset` before each case,
--- `disconnect` after it, and closes the server at the end.
---@param options table for `simulator.spawn`
function M.new(options)
  local here = { server = simulator.spawn(options), fields = M.fields }

  --- Removes the jobs and faults of the case before.
  function here.reset()
    here.server:reset()
    canary.forget_log()
  end

  --- Creates the client of this case.
  ---@param settings table?
  ---@return openhands.Client
  function here.connect(settings)
    here.client = canary.client(here.server, settings)
    return here.client
  end

  --- Closes the client.
  function here.disconnect()
    if here.client then here.client:close() end
    here.client = nil
  end

  return here
end

return M
