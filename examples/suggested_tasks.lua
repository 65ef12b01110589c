--- Works through the failing checks that the service suggests: an agent for each pull request whose CI fails.
--
--   lua examples/suggested_tasks.lua [FLEET]         the name of the fleet; by default that of the day
--
-- Run it every morning, e.g. by cron: the fleet of a day takes each task once, however often it is run.
--
-- Needs OPENHANDS_API_KEY of an account that is connected to a git provider. LEDGER is a path or a URL of PostgreSQL.
local openhands = require "openhands"

local fleet = assert(openhands.fleet {
  name = arg[1] or os.date "failing checks of %Y-%m-%d" --[[@as string]],
  slots = 4,
  ledger = os.getenv "LEDGER",
})

for task in openhands.git.suggested_tasks() do
  if task.task_type == "FAILING_CHECKS" then
    assert(fleet:add {
      key = ("%s#%d"):format(task.repo, task.issue_number),
      repository = task.repo,
      git_provider = task.git_provider,
      initial_user_msg = ("The checks of pull request #%d (%s) fail. Find out why, fix the cause on the branch of the "
        .. "pull request, and push. Do not weaken or skip a check."):format(task.issue_number, task.title),
    })
  end
end

local report = assert(fleet:run())
print(report)
fleet:close()
os.exit(report.failed + report.ambiguous == 0 and 0 or 1)
