-- What a fleet is doing, read from the ledger alone.
local databases = require "spec.support.ledger_databases"
local status = require "openhands.fleet.report.status"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("the status of a fleet on " .. name, function()
    local ledger

    local on_it = databases.ledger_specs(name, { setup = setup, teardown = teardown, it = it, pending = pending },
      function(opened) ledger = opened end)

    local function fill(account, count)
      assert(ledger:open_fleet { account_id = account, fleet = "names", account_slots = 3 })
      local items = {}
      for place = 1, count do
        items[place] = { key = "item " .. place, request = "{}", request_hash = "hash",
          conversation_id = account .. " " .. place }
      end
      assert(ledger:add { account_id = account, fleet = "names", items = items })
    end

    local function claim(account, lease)
      return assert(ledger:claim { account_id = account, owner = "worker", token = tostring({}), lease = lease or 600 })
    end

    local function read(account) return status.read(ledger, { account_id = account, fleet = "names" }) end

    on_it("counts, adds up, and lists what is live", function()
      fill("one", 6)
      local first, second = claim "one", claim "one"
      assert(ledger:record(first, { state = "running", cost = 0.25 }))
      assert(ledger:finish(second, { state = "done" }))
      assert(ledger:finish(claim "one", { state = "failed", cost = 1.5 }))
      claim("one", 0)
      assert(ledger:set_learned_slots { account_id = "one", slots = 2 })
      local now = assert(read "one")
      assert.equal(6, now.total)
      assert.same({ 2, 2, 1, 1, 0 }, { now.queued, now.live, now.done, now.failed, now.ambiguous })
      assert.equal(1, now.counts.running)
      assert.equal(1.75, now.cost)
      assert.equal(1, now.without_cost)
      assert.equal(2, now.slots)
      assert.is_nil(now.paused_for)
      assert.equal(2, #now.runs)
      assert.equal("item 1", now.runs[1].key)
      assert.equal("running", now.runs[1].state)
      assert.equal("one 1", now.runs[1].conversation_id)
      assert.equal("worker", now.runs[1].owner)
      assert.is_nil(now.runs[1].overdue)
      assert.is_true(now.runs[1].seconds >= 0 and now.runs[1].seconds < 60)
      assert.is_true(now.runs[2].overdue >= 0)
      assert.is_true(math.abs(now.now - os.time()) < 60)
    end)

    on_it("is text for people", function()
      fill("two", 3)
      claim "two"
      assert(ledger:pause_fleet { account_id = "two", fleet = "names", seconds = 3600 })
      local lines = tostring(assert(read "two"))
      assert.matches("names: 1 of 3 slots used, 3 runs: 1 starting, 2 queued, $0.00, no starts for", lines, 1, true)
      assert.matches("\n  starting  item 1  two 1  0s", lines, 1, true)
    end)

    on_it("shows nothing in a terminal that a key could hide", function()
      assert(ledger:open_fleet { account_id = "three", fleet = "names" })
      assert(ledger:add { account_id = "three", fleet = "names", items = {
        { key = "\27[2J\226\128\174evil\n", request = "{}", request_hash = "hash", conversation_id = "three 1" } } })
      claim "three"
      assert.matches("\n  starting  evil  three 1", tostring(assert(read "three")), 1, true)
    end)

    on_it("of an unknown fleet is an error", function()
      local now, err = read "nobody"
      assert.is_nil(now)
      assert.equal("not_found", err.kind)
    end)
  end)
end
