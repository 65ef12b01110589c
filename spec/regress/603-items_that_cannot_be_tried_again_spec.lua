-- An item that had failed could only be tried again under another key.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a fleet on " .. name .. " tries again", function()
    local on_it = databases.new_fleets(name, { setup = setup, teardown = teardown, it = it, pending = pending },
      { api = "v1", outcome = "error" })

    local function states(fleet)
      local list = {}
      for place, run in ipairs(assert(fleet:report()).runs) do list[place] = run.state end
      return table.concat(list, " ")
    end

    local function find(fleet, key)
      return assert(fleet.ledger:find { account_id = fleet.account_id, fleet = fleet.name, key = key })
    end

    on_it("what has failed, and what was skipped for it, under new ids", function(fleet, model)
      assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x", depends_on = "a" },
        { key = "c", initial_user_msg = "x", depends_on = "b" } })
      assert(fleet:run())
      assert.equal("failed skipped skipped", states(fleet))
      local before = find(fleet, "a")
      assert.same({ queued = {}, left = { { key = "b", state = "skipped" }, { key = "c", state = "skipped" } } },
        assert(fleet:retry { states = "skipped" }))
      model:configure { outcome = "finished" }
      local calls = #model.requests
      assert.same({ queued = { "a", "b", "c" }, left = {} }, assert(fleet:retry()))
      assert.equal(calls, #model.requests)
      assert.same({ queued = {}, left = {} }, assert(fleet:retry()))
      assert.same({ queued = {}, left = { { key = "a", state = "queued" } } }, assert(fleet:retry { keys = "a" }))
      local status = assert(fleet:status())
      assert.same({ 3, 0 }, { status.queued, status.live })
      local _, err = fleet.ledger:finish(before, { state = "done" })
      assert.equal("fenced", err.kind)
      assert.equal(3, assert(fleet:run()).done)
      assert.equal(4, #model.starts)
      local ids, is_known = assert(fleet.ledger:conversation_ids(before.run_id)), {}
      assert.equal(2, #ids)
      for _, row in ipairs(ids) do is_known[row.conversation_id] = true end
      assert.is_true(is_known[before.conversation_id] and is_known[find(fleet, "a").conversation_id])
      assert.same({ queued = {}, left = { { key = "a", state = "done" } } }, assert(fleet:retry { keys = { "a" } }))
    end)

    on_it("and counts what it has cost before", function(fleet, model)
      assert(fleet:add { key = "a", initial_user_msg = "x" })
      assert(fleet:run())
      local cost = find(fleet, "a").cost
      assert.is_true(cost > 0)
      model:configure { outcome = "finished" }
      assert(fleet:retry())
      assert(fleet:run())
      assert.is_true(math.abs(find(fleet, "a").cost - cost - 0.0831) < 1e-6)
      local row = assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = fleet.name })
      assert.is_true(math.abs(row.cost - cost - 0.0831) < 1e-6)
    end)

    on_it("canaries, and what was skipped for them", function(fleet, model, client, database)
      fleet:close()
      fleet = assert(client:fleet { name = fleet.name, ledger = database.address, canary = 1, start_interval = 0 })
      assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x" } })
      assert(fleet:run())
      assert.equal("failed skipped", states(fleet))
      assert.same({}, assert(fleet:retry { keys = { "b" } }).queued)
      model:configure { outcome = "finished" }
      assert.same({ "a", "b" }, assert(fleet:retry { keys = { "b", "a", "b" } }).queued)
      assert.equal(2, assert(fleet:run()).done)
    end)

    on_it("what is ambiguous only if it is told to", function(fleet, _, _, database)
      assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x" } })
      local ledger = assert(ledgers.open(database.address))
      local run = assert(ledger:claim { account_id = fleet.account_id, fleet = fleet.name, owner = "o", token = "t",
        lease = 1 })
      assert(ledger:finish(run, { state = "ambiguous", error = "who knows" }))
      ledger:close()
      assert.same({ queued = {}, left = {} }, assert(fleet:retry()))
      assert.same({}, assert(fleet:retry { keys = "a" }).queued)
      assert.same({ "a" }, assert(fleet:retry { keys = "a", states = "ambiguous" }).queued)
      assert.not_equal(run.conversation_id, find(fleet, "a").conversation_id)
    end)

    on_it("nothing that it does not have", function(fleet)
      local _, err = fleet:retry { keys = { "none" } }
      assert.equal("not_found", err.kind)
      for _, wrong in ipairs { "x", { key = "a" }, { states = "done" }, { states = { "faild" } }, { keys = { 1 } } } do
        assert.is_false((pcall(fleet.retry, fleet, wrong)))
      end
    end)
  end)
end
