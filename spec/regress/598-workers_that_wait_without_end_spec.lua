-- A callback that failed while a fleet was paused for its budget raised from `run`; a worker of all fleets ended with
-- not_found before anything was added, and did not end when all that was left waited for a larger budget.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a worker", function()
  local database, client

  before_each(function()
    if databases.is_supported "SQLite" then database = databases.start "SQLite" end
    client = in_process.simulated { api = "v1" }
  end)
  after_each(function()
    if database then database.stop() end
  end)

  local function spending(count)
    local fleet = assert(client:fleet { name = "f", ledger = database.address, start_interval = 0, slots = 3,
      budget = 0.15, interval = 1 })
    for place = 1, count do assert(fleet:add { key = "k" .. place, initial_user_msg = "x" }) end
    return fleet
  end

  it("returns the error of a callback that fails while it pauses what is live", function()
    if not database then return pending "LuaDBI is missing" end
    local fleet = spending(3)
    local report, err = fleet:run { on_change = function(run)
      if run.state == "paused" then error "mine" end
    end }
    assert.same({ nil, "raised" }, { report, err.kind })
    assert.equal("quota", select(2, fleet:run()).kind)
    fleet:close()
  end)

  it("of all fleets has nothing to do before anything was added", function()
    if not database then return pending "LuaDBI is missing" end
    local worker = assert(client:worker { ledger = database.address })
    assert.is_true(worker:run(100))
    worker:close()
  end)

  for _, count in ipairs { 3, 6 } do
    it("of all fleets ends when all that is left waits for a larger budget, with items " .. count, function()
      if not database then return pending "LuaDBI is missing" end
      local fleet = spending(count)
      local worker = assert(client:worker { ledger = database.address, start_interval = 0, interval = 1 })
      local good, err = worker:run(5000)
      assert.same({ nil, "quota" }, { good, err.kind })
      assert.matches("fleet 'f' are spent", err.message)
      local status = assert(fleet:status())
      assert.same({ 3, count - 3 }, { status.counts.paused, status.queued })
      assert.equal("quota", select(2, worker:run(5000)).kind)
      local other = assert(client:fleet { name = "f", ledger = database.address, budget = math.huge })
      assert.is_true(worker:run(5000))
      assert.equal(count, assert(other:report()).done)
      for _, each in ipairs { worker, fleet, other } do each:close() end
    end)
  end
end)
