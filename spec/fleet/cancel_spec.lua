-- Items that nobody wants any more leave the queue.
local databases = require "spec.support.ledger_databases"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a fleet on " .. name .. " cancels", function()
    local on_it = databases.new_fleets(name, { setup = setup, teardown = teardown, it = it, pending = pending })

    local function item(key, fields)
      local all = { key = key, initial_user_msg = "x" }
      for field, value in pairs(fields or {}) do all[field] = value end
      return all
    end

    local function states(fleet)
      local list = {}
      for place, run in ipairs(assert(fleet:report()).runs) do list[place] = run.state end
      return table.concat(list, " ")
    end

    on_it("all that is queued, in the order of the items", function(fleet, model)
      assert(fleet:add { item "a", item("b", { depends_on = "a" }), item("c", { depends_on = "b" }) })
      assert.same({ cancelled = { "a", "b", "c" }, left = {}, skipped = 0 }, assert(fleet:cancel()))
      assert.equal("cancelled cancelled cancelled", states(fleet))
      assert.same({ 0, 0 }, { assert(fleet:status()).queued, assert(fleet:status()).live })
      assert.equal(3, assert(fleet:run()).cancelled)
      assert.equal(0, #model:conversations())
      assert.same({ cancelled = {}, left = {}, skipped = 0 }, assert(fleet:cancel()))
    end)

    on_it("some, and skips what depends on them", function(fleet, model)
      assert(fleet:add { item "a", item("b", { depends_on = "a" }), item "c" })
      assert.same({ cancelled = { "a" }, left = {}, skipped = 1 }, assert(fleet:cancel { keys = "a" }))
      assert.equal("cancelled skipped queued", states(fleet))
      local report = assert(fleet:run())
      assert.same({ 1, 1, 1 }, { report.done, report.cancelled, report.skipped })
      assert.matches("'a' was cancelled", report.runs[2].error)
      assert.equal("cancelled before it was started", report.runs[1].error)
      assert.equal(1, #model:conversations())
    end)

    on_it("nothing that has ended or is live", function(fleet)
      assert(fleet:add { item "a" })
      local seen
      assert(fleet:run { on_change = function(run)
        if run.state == "running" then seen = assert(fleet:cancel { keys = { "a", "a" } }) end
      end })
      assert.same({ {}, 1, "a", "running" }, { seen.cancelled, #seen.left, seen.left[1].key, seen.left[1].state })
      assert.equal("done", assert(fleet:cancel { keys = "a" }).left[1].state)
      assert.equal("done", states(fleet))
    end)

    on_it("what can be tried once more", function(fleet, model)
      assert(fleet:add { item "a", item("b", { depends_on = "a" }) })
      assert(fleet:cancel { keys = "a" })
      assert.same({ "a", "b" }, assert(fleet:retry { states = { "cancelled", "skipped" } }).queued)
      assert.equal(2, assert(fleet:run()).done)
      assert.equal(2, #model:conversations())
    end)

    on_it("for good: a worker that had the run before does not return it to the queue", function(fleet)
      assert(fleet:add { item "a" })
      local run = assert(fleet.ledger:claim { account_id = fleet.account_id, fleet = fleet.name, owner = "w",
        token = "t", lease = 60 })
      assert(fleet.ledger:requeue(run, {}))
      assert.same({ "a" }, assert(fleet:cancel()).cancelled)
      local again, err = fleet.ledger:requeue(run, {})
      assert.is_nil(again)
      assert.equal("fenced", err.kind)
      assert.equal("cancelled", states(fleet))
    end)

    on_it("more than one transaction takes", function(fleet)
      local list = {}
      for place = 1, 450 do list[place] = item("k" .. place) end
      assert(fleet:add(list))
      local cancelled = assert(fleet:cancel()).cancelled
      assert.same({ 450, "k1", "k450" }, { #cancelled, cancelled[1], cancelled[450] })
      assert.equal(0, assert(fleet:status()).queued)
    end)

    on_it("nothing for a mistake", function(fleet)
      assert(fleet:add { item "a" })
      local result, err = fleet:cancel { keys = { "a", "b" } }
      assert.is_nil(result)
      assert.same({ "not_found", "cancel" }, { err.kind, err.operation })
      assert.equal("queued", states(fleet))
      for problem, options in pairs {
        ["unknown option 'key' (did you mean 'keys'?)"] = { key = "a" }, ["options must be a table"] = "a",
        ["'keys' must be a text or a list of texts"] = { keys = { 1 } },
      } do
        assert.error_matches(function() fleet:cancel(options) end, problem, 1, true)
      end
    end)
  end)
end
