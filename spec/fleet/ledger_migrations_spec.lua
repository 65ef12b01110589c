-- Ledgers of earlier versions: they are migrated when they are opened, and keep what they have.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local schema = require "openhands.fleet.ledger.schema"

-- What the migrations have added since version 1.
local added = {
  openhands_accounts = { "learned_until", "learned_hold", "is_tried" },
  openhands_runs = { "cost_before" },
}

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a ledger on " .. name, function()
    local database

    setup(function() database = databases.start(name) end)
    teardown(function()
      if database then database.stop() end
    end)

    it("of version 1 is migrated, and keeps its runs and limits", function()
      if not database then return pending(name .. " is not installed") end
      local ledger = assert(ledgers.open(database.address))
      assert(ledger:open_fleet { account_id = "a", fleet = "f", account_slots = 2 })
      assert(ledger:add { account_id = "a", fleet = "f", items = {
        { key = "one", request = "{}", request_hash = "h", conversation_id = "c1" },
        { key = "two", request = "{}", request_hash = "h", conversation_id = "c2" },
      } })
      local run = assert(ledger:claim { account_id = "a", owner = "o", token = "t", lease = 600 })
      run = assert(ledger:record(run, { state = "running", cost = 0.5 }))
      assert(ledger:set_learned_slots { account_id = "a", slots = 1 })
      ledger:close()
      local run_sql, close = databases.connect(database)
      for table_name, columns in pairs(added) do
        for _, column in ipairs(columns) do run_sql(("alter table %s drop column %s"):format(table_name, column)) end
      end
      run_sql "update openhands_ledger set version = 1"

      ledger = assert(ledgers.open(database.address))
      local version = run_sql "select cast(version as text) as version from openhands_ledger"
      assert.equal(schema.VERSION, tonumber(version[1].version))
      close()
      local row = assert(ledger:fleet { account_id = "a", fleet = "f" })
      assert.same({ 1, 1, 1, 0.5 }, { row.live, row.queued, row.learned_slots, row.cost })
      assert.is_true(row.learned_for <= 0)
      run = assert(ledger:record(run, { cost = 0.75 }))
      assert.same({ 0.75, 0 }, { run.cost, run.cost_before })
      assert(ledger:claim { account_id = "a", owner = "o", token = "u", lease = 600 })
      ledger:close()
    end)
  end)
end
