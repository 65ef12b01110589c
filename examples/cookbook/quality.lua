--- Has changes tried out as a user would, one agent for each pull request, and saves a report of each.
--
--   lua examples/cookbook/quality.lua REPOSITORY NUMBER...     writes quality-NUMBER.md into this directory
local openhands = require "openhands"

local repository = assert(arg[2] and table.remove(arg, 1), "usage: lua quality.lua REPOSITORY NUMBER...")
local results = assert(openhands.map(arg, function(number)
  local prompt = "Try out what pull request #%s changes, as a user would. Write what works and what does not to qa.md."
  local done = assert(openhands.run { repository = repository, initial_user_msg = prompt:format(number) })
  local text = assert(done:file "qa.md")
  local report = assert(io.open(("quality-%s.md"):format(number), "w"))
  report:write(text)
  report:close()
  return done
end, { slots = 3 }))
for place, done in ipairs(results) do
  print(arg[place], done.url or tostring(done))
end
os.exit(results.failed == 0 and 0 or 1)
