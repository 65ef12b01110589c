--- Upgrades a dependency in many repositories: first in some, and in all others only if these succeed.
--
--   lua examples/upgrade_canary.lua DEPENDENCY VERSION REPOSITORY...
--
-- The first two repositories are the canaries: choose ones with good tests. After a failure, look at the report, mend
-- what is wrong and run it under another FLEET; what is done is in its pull requests.
--
-- Needs OPENHANDS_API_KEY. LEDGER is a path or a URL of PostgreSQL.
local openhands = require "openhands"

local dependency, version = table.remove(arg, 1), table.remove(arg, 1)
if #arg == 0 then
  io.stderr:write "usage: lua examples/upgrade_canary.lua DEPENDENCY VERSION REPOSITORY...\n"
  os.exit(2)
end

local fleet = assert(openhands.fleet {
  name = os.getenv "FLEET" or ("%s %s"):format(dependency, version),
  slots = 6,
  canary = 2,
  ledger = os.getenv "LEDGER",
})

local items = {}
for place, repository in ipairs(arg) do
  items[place] = { repository = repository, dependency = dependency, version = version }
end
assert(fleet:add({
  key = "{repository}",
  repository = "{repository}",
  initial_user_msg = "Upgrade {dependency} to {version}, adapt the code, run the tests and open a pull request.",
}, items))

local report = assert(fleet:run())
print(report)
if report.skipped > 0 then
  print "A canary has failed: the others were not started."
end
fleet:close()
os.exit(report.done == report.total and 0 or 1)
