-- A ledger that another program kept busy, e.g. a dry run that was left open, failed with "database is locked" and no
-- word about what may do that.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a ledger that a dry run keeps busy", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("says what may keep it busy", function(database)
    local client = in_process.simulated({ api = "v1" }, {})
    local fleet = assert(client:fleet { name = "f", ledger = database.address, account = "a" })
    local dry = assert(client:fleet { name = "f", ledger = database.address, account = "a", dry_run = true })
    assert(dry:add { key = "a", initial_user_msg = "x" })
    fleet.ledger._connection:rows "pragma busy_timeout = 10" -- instead of ten seconds
    local added, err = fleet:add { key = "a", initial_user_msg = "x" }
    assert.is_nil(added)
    assert.same({ "ledger", true }, { err.kind, err.retryable })
    assert.matches("is locked: another program has kept it busy, e.g. a dry run that is open (at ", err.message, 1,
      true)
    dry:close()
    assert.equal(1, assert(fleet:add { key = "a", initial_user_msg = "x" }).added)
    fleet:close()
  end)
end)
