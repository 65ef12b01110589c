--- A simulator for the specs of the plugin, and a Neovim that each of their programs drives.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local simulator = require "openhands.simulator"

local M = {}

--- For a `describe`: starts a simulator before its specs, resets it before each of them, and ends it.
---@param setup function of busted, as the two others
---@param teardown function
---@param before_each function
---@param options? table for the simulator
---@return { server: table, said: fun(program: string, options: table?): string } service `server`: the simulator, once
--- the specs run. `said`: as `neovim_child.with_service` returns it
function M.specs(setup, teardown, before_each, options)
  local service, run = {}, nil
  setup(function()
    local all = { pace = 0.004 }
    for name, value in pairs(options or {}) do all[name] = value end
    service.server = simulator.spawn(all)
    run = child.with_service(service.server, canary.key)
  end)
  teardown(function() service.server:close() end)
  before_each(function() service.server:reset() end)
  function service.said(...) return run(...) end
  return service
end

return M
