-- A fleet whose task was cancelled kept the leases of its runs: the next one waited until they had expired.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a fleet whose task is cancelled", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("lets go of its runs at once", function(database)
    local client = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x" } })
    local task = client:spawn(fleet.run, fleet)
    client:sleep(30)
    task:cancel()
    task:wait()
    local totals = assert(fleet.ledger:totals { account_id = fleet.account_id, fleet = "f" })
    assert.equal(2, #totals.live)
    for _, run in ipairs(totals.live) do assert.is_true(run.lease_until <= totals.now + 1) end
    fleet:close()
  end)
end)
