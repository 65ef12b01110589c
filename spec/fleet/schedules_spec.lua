-- Random faults over the whole of the start protocol. `make fleet-schedules` runs ten thousand.
local databases = require "spec.support.ledger_databases"

if not databases.is_supported "SQLite" then
  return describe("a fleet under random faults", function()
    it("is tested", function() pending "LuaDBI is missing" end)
  end)
end

local schedules = require "spec.support.fault_schedules"

local COUNT = tonumber(os.getenv "SCHEDULES") or 15
local FIRST = tonumber(os.getenv "SEED") or 1
local MOST_WITHOUT_IDS = math.max(COUNT, 300) -- on average, one of eleven starts an item twice

describe("a fleet under random faults", function()
  local ledger

  setup(function() ledger = schedules.ledger() end)
  teardown(function() ledger.close() end)

  it("starts each item once, and loses none", function()
    local sums = {}
    for seed = FIRST, FIRST + COUNT - 1 do
      local outcome = schedules.run(seed, ledger)
      assert.same({ 3, 3, 3 }, { outcome.jobs, outcome.started, outcome.done }, "seed " .. seed)
      for name, number in pairs(outcome) do sums[name] = (sums[name] or 0) + number end
    end
    print(("%d schedules: %d jobs of %d items, %d deaths, %d sleeps, %d late starts, %d workers"):format(COUNT,
      sums.jobs, sums.started, sums.deaths, sums.sleeps, sums.late, sums.workers))
    assert.is_true(sums.deaths > 0 and sums.sleeps > 0)
  end)

  it("starts some twice if the service ignores the ids, which shows that the faults are sharp", function()
    local doubles, count = 0, 0
    while count < MOST_WITHOUT_IDS and (doubles == 0 or count < COUNT and COUNT > 15) do
      count = count + 1
      local outcome = schedules.run(1e6 + FIRST + count, ledger, { client_ids = false })
      doubles = doubles + outcome.jobs - outcome.started
    end
    print(("%d schedules without our ids: %d started twice"):format(count, doubles))
    assert.is_true(doubles > 0)
  end)
end)
