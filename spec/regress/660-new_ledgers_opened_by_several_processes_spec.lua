-- SQLite refuses at once to give a new database its WAL mode while another process writes to it: one of several
-- processes that opened a new ledger had the error "database is locked".
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local processes = require "spec.support.processes"

local OPEN = [[
  local ledger = assert(require "openhands.fleet.ledger".open(%q))
  assert(ledger:open_fleet { account_id = "a", fleet = "f" })
]]

describe("a new ledger", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("waits until another process has written to it", function(database)
    local run_sql, close = databases.connect(database)
    run_sql "begin immediate"
    local elsewhere = databases.start "SQLite"
    local some = assert(ledgers.open(elsewhere.address))
    local class, refusals = getmetatable(some._connection), 0
    some:close()
    elsewhere.stop()
    local row = class.row
    class.row = function(connection, sql, ...)
      local good, value = pcall(row, connection, sql, ...)
      if good then return value end
      refusals = refusals + 1
      if refusals == 1 then run_sql "rollback" end -- now, because the other try waits in this process
      error(value, 0)
    end
    local good, ledger, err = pcall(ledgers.open, database.address)
    class.row = row
    close()
    assert.is_true(good, tostring(ledger))
    assert.is_truthy(ledger, tostring(err))
    assert.equal(1, refusals)
    assert.equal("wal", ledger._connection:row "pragma journal_mode".journal_mode)
    ledger:close()
  end)

  local function open_together(database)
    local waits = {}
    for place = 1, 4 do waits[place] = processes.begin_child(OPEN:format(database.path)) end
    for _, wait in ipairs(waits) do
      local result = wait()
      assert.same({ 0, "" }, { result.code, result.errors })
    end
  end

  with_ledger("is opened by several processes", open_together)

  with_ledger("whose first process was killed is opened by several others", function(database)
    local killed = processes.child(OPEN:format(database.path) .. [[
      ledger._connection:change "begin immediate"
      ledger._connection:change "update openhands_fleets set weight = 3"
      local pid = io.open "/proc/self/stat":read "*n"
      os.execute(("kill -KILL %d"):format(pid))
    ]])
    assert.equal(137, killed.code)
    open_together(database)
  end)
end)
