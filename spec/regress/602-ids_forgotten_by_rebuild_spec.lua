-- After its ledger was lost, an item whose sixth start had succeeded was not found; and a later start could get an id
-- that an earlier one had had.
local core = require "openhands.core"
local databases = require "spec.support.ledger_databases"
local identifiers = require "openhands.fleet.identifier"
local in_process = require "spec.support.in_process"
local worker_class = require "openhands.fleet.worker_class"

describe("a rebuilt fleet", function()
  it("finds late attempts, and uses no earlier id again", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    local lost, database = databases.start "SQLite", databases.start "SQLite"
    local patience = worker_class.patience
    finally(function()
      worker_class.patience = patience
      lost.stop()
      database.stop()
    end)
    worker_class.patience = 0.0001
    local client, model = in_process.simulated({ api = "v1", outcome = "start-limit" }, { grace = 2 })
    local fleet = assert(client:fleet { name = "f", ledger = lost.address, start_interval = 0 })
    local item, refused = { key = "a", initial_user_msg = "x" }, 0
    assert(fleet:add(item))
    assert.equal(1, assert(fleet:run { on_change = function(run)
      refused = refused + (run.state == "queued" and 1 or 0)
      if refused == 6 then model:configure { outcome = "finished" } end
    end }).done)
    fleet:close()
    fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert.same({ "a" }, assert(fleet:rebuild(item)).found)
    local run = assert(fleet.ledger:find { account_id = fleet.account_id, fleet = "f", key = "a" })
    assert.equal(identifiers.of(fleet.account_id, "f", "a", 7), run.conversation_id)
    local ids = assert(fleet.ledger:conversation_ids(run.run_id))
    assert.equal(7, #ids)
    local following = identifiers.next(run, ids)
    assert.equal(identifiers.of(fleet.account_id, "f", "a", 8), following)
    for _, start in ipairs(model.starts) do assert.is_false(core.is_same_id(start.conversation_id, following)) end
    fleet:close()
  end)
end)
