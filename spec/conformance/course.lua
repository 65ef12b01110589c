--- Runs the scenarios one after the other in the host that calls it: each in a task, and each as the host's own code.
local scenarios = require "spec.conformance.scenarios"

local M = {}

-- Lua 5.1 cannot wait inside pcall: there an error outside a task ends the run.
local can_catch = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local ways = {}

function ways.task(context, run)
  local client = context.openhands.new { api_key = "any", loop = context.loop }
  local _, err = client:spawn(run, context):wait(20)
  client:close()
  return err and (err.traceback or tostring(err))
end

function ways.host(context, run)
  if context.blocks or can_catch then
    local good, problem = xpcall(function() run(context) end, debug.traceback)
    return not good and tostring(problem) or nil
  end
  run(context)
end

---@param context table `loop` (its name), `blocks` (whether the host's own code blocks), `report` (a function
--- that takes a line), and what the scenarios need
function M.run(context)
  local clients
  function context.client(settings)
    local given = { base_url = context.upstream, api_key = "any", api = "v1", loop = context.loop, grace = 0.1 }
    for name, value in pairs(settings or {}) do given[name] = value end
    clients[#clients + 1] = context.openhands.new(given)
    return clients[#clients]
  end
  for _, way in ipairs { "task", "host" } do
    for _, scenario in ipairs(scenarios) do
      clients = {}
      local problem = ways[way](context, scenario.run)
      for _, client in ipairs(clients) do client:close() end
      context.report(("%s - %s: %s"):format(problem and "not ok" or "ok", way, scenario.name))
      if problem then context.report("  " .. problem:gsub("\n", "\n  ")) end
    end
  end
  context.report "end"
end

return M
