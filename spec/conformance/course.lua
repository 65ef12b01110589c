--- The course of the scenarios, one after the other, in whatever host calls it: each in a task, and each as the host's
-- own code.
local scenarios = require "spec.conformance.scenarios"

local M = {}

-- Lua 5.1 cannot wait inside of pcall: there what goes wrong outside of a task ends the course.
local can_catch = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

local manners = {}

function manners.task(context, run)
  local keeper = context.openhands.new { api_key = "any", loop = context.loop }
  local _, err = keeper:spawn(run, context):wait(20)
  keeper:close()
  return err and (err.traceback or tostring(err))
end

function manners.host(context, run)
  if context.blocks or can_catch then
    local good, problem = xpcall(function() run(context) end, debug.traceback)
    return not good and tostring(problem) or nil
  end
  run(context)
end

---@param context table `loop` (its name), `blocks` (whether the host's own code blocks), `say` (a function of a line)
--- and what the scenarios need
function M.run(context)
  local clients
  function context.client(settings)
    local given = { base_url = context.upstream, api_key = "any", api = "v1", loop = context.loop, grace = 0.1 }
    for name, value in pairs(settings or {}) do given[name] = value end
    clients[#clients + 1] = context.openhands.new(given)
    return clients[#clients]
  end
  for _, manner in ipairs { "task", "host" } do
    for _, scenario in ipairs(scenarios) do
      clients = {}
      local problem = manners[manner](context, scenario.run)
      for _, client in ipairs(clients) do client:close() end
      context.say(("%s - %s: %s"):format(problem and "not ok" or "ok", manner, scenario.name))
      if problem then context.say("  " .. problem:gsub("\n", "\n  ")) end
    end
  end
  context.say "end"
end

return M
