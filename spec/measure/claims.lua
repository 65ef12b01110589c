-- Measures how many runs a second one worker claims from a ledger with 20,000 queued ones, on both databases. SQLite
-- is measured in memory, and for comparison where each commit is flushed to the disk; PostgreSQL runs here without
-- that. Ends with `N passed, N failed`.
local core = require "openhands.core"
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"

local queued, fleets, claims = 20000, 7, 1000
local request = ('{"initial_user_msg":"%s"}'):format(("x"):rep(200))
local least = { ["SQLite in memory"] = 1000, SQLite = 0, PostgreSQL = 300 } -- claims a second

local function measure(database)
  local ledger = assert(ledgers.open(database.address))
  local items = {}
  for fleet = 1, fleets do items[fleet] = {} end
  for place = 1, queued do
    local list = items[place % fleets + 1]
    list[#list + 1] = { key = "owner/repository" .. place, request = request, request_hash = "hash",
      conversation_id = core.uuid() }
  end
  local started = core.monotonic()
  for fleet = 1, fleets do
    assert(ledger:open_fleet { account_id = "a", fleet = "f" .. fleet, account_slots = 8 })
    assert(ledger:add { account_id = "a", fleet = "f" .. fleet, items = items[fleet] })
  end
  local added = queued / (core.monotonic() - started)
  local claiming, ending = 0, 0
  for place = 1, claims do
    started = core.monotonic()
    local run = assert(ledger:claim { account_id = "a", owner = "w", token = "t" .. place, lease = 600 })
    local claimed = core.monotonic()
    assert(ledger:finish(run, { state = "done" }))
    claiming, ending = claiming + claimed - started, ending + core.monotonic() - claimed
  end
  ledger:close()
  return claims / claiming, added, claims / ending
end

local passed, failed = 0, 0
for _, name in ipairs { "SQLite in memory", "SQLite", "PostgreSQL" } do
  local database = databases.start(name)
  if database then
    local good, claimed, added, ended = pcall(measure, database)
    database.stop()
    local result = good and claimed >= least[name]
    if good then
      print(("%-16s %6.0f claims/s, at least %4.0f; %6.0f items added/s; %5.0f ended/s  %s"):format(name, claimed,
        least[name], added, ended, result and "ok" or "FAIL"))
    else
      print(("%-16s %s  FAIL"):format(name, claimed))
    end
    if result then passed = passed + 1 else failed = failed + 1 end
  else
    print(name .. " is not installed: skipped")
  end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
