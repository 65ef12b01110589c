--- Gives many repositories the same task, eight at a time. Survives everything, `kill -9` too: run it again, and it
--- goes on where it was, without starting anything twice. Needs LuaDBI.
--
--   lua examples/cookbook/fan_out.lua NAME PROMPT REPOSITORY...     the same NAME continues the same work
local openhands = require "openhands"

assert(arg[3], "usage: lua fan_out.lua NAME PROMPT REPOSITORY...")
local name, prompt = table.remove(arg, 1), table.remove(arg, 1)
local results = assert(openhands.map(arg, function(repository)
  return { repository = repository, initial_user_msg = prompt }
end, { name = name, slots = 8 }))

for place, run in ipairs(results) do
  print(("%-20s %s"):format(arg[place], run.answer or run.state or tostring(run)))
end
os.exit(results.done == results.total and 0 or 1)
