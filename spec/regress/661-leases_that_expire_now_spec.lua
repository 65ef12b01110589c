-- A run whose lease expired at the very moment of reading could be taken over, but the status did not call it overdue.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local status = require "openhands.fleet.report.status"

describe("the status of a run", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("says that it is overdue from the moment in which its lease expires", function(database)
    local ledger = assert(ledgers.open(database.address))
    local fields = { account_id = "a", fleet = "f" }
    assert(ledger:open_fleet(fields))
    assert(ledger:add { account_id = "a", fleet = "f", items = {
      { key = "k", request = "{}", request_hash = "hash", conversation_id = "c" } } })
    local run = assert(ledger:claim { account_id = "a", owner = "worker", token = "t", lease = 600 })
    local function overdue_at(moment)
      local totals = assert(ledger:totals(fields))
      totals.now = moment
      return status.read({ totals = function() return totals end }, fields).runs[1].overdue
    end
    assert.is_nil(overdue_at(run.lease_until - 1))
    assert.equal(0, overdue_at(run.lease_until))
    assert.equal(1, overdue_at(run.lease_until + 1))
    ledger:close()
  end)
end)
