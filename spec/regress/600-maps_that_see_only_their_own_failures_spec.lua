-- A map with a name and stop_on_error went on after failures of another process, or of a run before; and items of the
-- same key cost twice.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a map with a name", function()
  local with_ledger = databases.specs(it, pending, after_each)

  local function task(outcome) return { initial_user_msg = ("[simulate: %s]"):format(outcome) } end

  with_ledger("stops at a failure that it finds in the ledger", function(database)
    local client, model = in_process.simulated { api = "v1" }
    local options = { name = "m", ledger = database.address, slots = 1 }
    assert(client:map({ "error" }, task, options))
    options.stop_on_error = true
    local results = assert(client:map({ "error", "finished" }, task, options))
    assert.same({ 0, 1, 1 }, { results.done, results.failed, results.skipped })
    assert.matches("because 'error' has failed", results[2].message)
    assert.equal(1, #model.starts)
  end)

  with_ledger("stops at a failure of another worker", function(database)
    local client, model = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "m", ledger = database.address })
    local maps = client:spawn(client.map, client, { "finished", "finished ", "finished  " }, task,
      { name = "m", ledger = database.address, slots = 1, stop_on_error = true })
    client:sleep(10)
    local other = assert(fleet.ledger:find { account_id = fleet.account_id, fleet = "m", key = "finished  " })
    assert(fleet.ledger:finish(other, { state = "failed", error = "refused" }))
    local results = assert(maps:wait())
    assert.same({ 1, 1, 1 }, { results.done, results.failed, results.skipped })
    assert.equal(1, #model.starts)
    fleet:close()
  end)

  with_ledger("tries failures again before it stops", function(database)
    local client, model = in_process.simulated { api = "v1" }
    local results = assert(client:map({ "error", "finished" }, task,
      { name = "m", ledger = database.address, slots = 1, stop_on_error = true, retry = 1 }))
    assert.same({ 1, 1, 0 }, { results.done, results.failed, results.skipped })
    assert.equal(3, #model.starts)
  end)

  with_ledger("counts the cost of items with the same key once", function(database)
    local client, model = in_process.simulated { api = "v1" }
    local results = assert(client:map({ "finished", "finished" }, task, { name = "m", ledger = database.address }))
    assert.same({ 2, 2, 1 }, { results.done, results.total, #model.starts })
    assert.is_true(math.abs(results.cost - 0.0831) < 1e-6)
  end)
end)
