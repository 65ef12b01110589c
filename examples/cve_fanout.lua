--- Fixes a vulnerability in many repositories, eight at a time, and opens a pull request in each.
--
--   lua examples/cve_fanout.lua CVE REPOSITORY...    for example: CVE-2026-1234 owner/one owner/two
--
-- Prints each change of state, a table at the end, and writes report.html. Stop it and run it again as you like: no
-- repository is started twice, and what was started meanwhile goes on. The exit code is 0 if all are done.
--
-- Needs OPENHANDS_API_KEY; set OPENHANDS_BASE_URL for a service other than the cloud. LEDGER is a path or a URL of
-- PostgreSQL, so that several machines can share the work; by default it is a file of this user.
local openhands = require "openhands"

local cve = table.remove(arg, 1)
if #arg == 0 then
  io.stderr:write "usage: lua examples/cve_fanout.lua CVE REPOSITORY...\n"
  os.exit(2)
end

local fleet = assert(openhands.fleet { name = cve, slots = 8, ledger = os.getenv "LEDGER" })
for _, repository in ipairs(arg) do
  assert(fleet:add {
    key = repository, repository = repository,
    initial_user_msg = ("Find out whether this repository is affected by %s. If it is, upgrade or patch what is "
      .. "vulnerable, run the tests and open a pull request. If not, say why."):format(cve),
  })
end

local report = assert(fleet:run {
  on_change = function(run, previous) print(("%s: %s -> %s"):format(run.key, previous, run.state)) end,
})
print(report)

local page = assert(io.open("report.html", "w"))
page:write(report:html())
page:close()
fleet:close()
os.exit(report.done == report.total and 0 or 1)
