--- Makes pull requests of issues: four at a time, but never two in the same repository. Needs LuaDBI.
--
--   lua examples/cookbook/issues.lua REPOSITORY#NUMBER...     for example: owner/one#12 owner/one#17 owner/two#3
local openhands = require "openhands"

assert(arg[1], "usage: lua issues.lua REPOSITORY#NUMBER...")
local fleet = assert(openhands.fleet { name = "issues", slots = 4 })
for _, issue in ipairs(arg) do
  local repository, number = issue:match "^(.+)#(%d+)$"
  assert(number, issue .. " is not REPOSITORY#NUMBER")
  local prompt = ("Solve issue #%s, add a test, open a pull request that closes the issue."):format(number)
  assert(fleet:add { key = issue, repository = repository, exclusive = repository, initial_user_msg = prompt })
end
local report = assert(fleet:run())
print(report)
fleet:close()
os.exit(report.done == report.total and 0 or 1)
