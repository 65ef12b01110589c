--- Updates the dependencies of repositories, two at a time, and prints a table of the pull requests.
--
--   lua examples/cookbook/nightly_updates.lua REPOSITORY...
--
-- For cron: 0 3 * * * OPENHANDS_API_KEY=… lua nightly_updates.lua owner/one owner/two owner/three
local openhands = require "openhands"

assert(arg[1], "usage: lua nightly_updates.lua REPOSITORY...")
local results = assert(openhands.map(arg, function(repository)
  return { repository = repository, initial_user_msg = "Update the dependencies, run the tests, open a pull request." }
end, { slots = 2 }))

for place, done in ipairs(results) do -- what has failed is an error, in the place of a conversation
  local links = table.concat(done.pull_requests or { done.url or tostring(done) }, " ")
  print(("%-20s %-10s %s"):format(arg[place], done.state or done.kind, links))
end
print(("%d of %d done, $%.2f"):format(results.done, results.total, results.cost))
os.exit(results.failed == 0 and 0 or 1)
