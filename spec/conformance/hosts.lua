--- Runs a function to its end as code of a host, for each host that is a Lua library.
local M = {}

local function run_at_once(run) run() end

M.plain, M.uv = run_at_once, run_at_once

function M.cqueues(run)
  local cqueues = require "cqueues"
  local controller = cqueues.new()
  controller:wrap(run)
  assert(controller:loop())
end

function M.copas(run)
  local copas = require "copas"
  local ended = false
  copas.addthread(function()
    run()
    ended = true
  end)
  while not ended do copas.step(1) end
end

return M
