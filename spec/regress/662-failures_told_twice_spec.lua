-- A statement that had failed on SQLite failed once more when it was used again, whatever it did then.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"

describe("an operation of a ledger that has failed", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("succeeds once its reason is gone", function(database)
    local ledger = assert(ledgers.open(database.address))
    local run_sql, close = databases.connect(database)
    local fields = { account_id = "a", fleet = "f" }
    run_sql [[create trigger refusing before insert on openhands_fleets begin select raise(abort, 'refused'); end]]
    local opened, err = ledger:open_fleet(fields)
    assert.is_nil(opened)
    assert.matches("refused", err.message)
    run_sql "drop trigger refusing"
    opened, err = ledger:open_fleet(fields)
    close()
    ledger:close()
    assert.is_truthy(opened, tostring(err))
  end)
end)
