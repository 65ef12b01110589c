-- The operations of a ledger, the same on both databases.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local schema = require "openhands.fleet.ledger.schema"
local states = require "openhands.fleet.ledger.states"

local number = 0

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a ledger on " .. name, function()
    local database, ledger, account

    local on_it = databases.ledger_specs(name, { setup = setup, teardown = teardown, it = it, pending = pending },
      function(...) ledger, database = ... end)

    before_each(function()
      number = number + 1
      account = "account " .. number
    end)

    local function with(fields)
      fields.account_id = account
      return fields
    end

    local function open_fleet(fleet, fields)
      fields = with(fields or {})
      fields.fleet = fleet
      return assert(ledger:open_fleet(fields))
    end

    local function item(key, fields)
      fields = fields or {}
      fields.key, fields.request, fields.request_hash = key, fields.request or "{}", fields.request_hash or "hash"
      fields.conversation_id = fields.conversation_id or account .. " " .. key
      return fields
    end

    local function add(fleet, ...)
      return ledger:add(with { fleet = fleet, items = { ... } })
    end

    -- Adds items 1 to n with the given prefix of their keys.
    local function fill(fleet, prefix, count)
      local items = {}
      for place = 1, count do items[place] = item(prefix .. place) end
      return assert(ledger:add(with { fleet = fleet, items = items }))
    end

    local tokens = 0
    local function claim(fields)
      fields = with(fields or {})
      tokens = tokens + 1
      fields.owner, fields.lease = fields.owner or "worker", fields.lease or 600
      fields.token = fields.token or "token " .. tokens
      return ledger:claim(fields)
    end

    local function claimed(fields)
      local run, why = claim(fields)
      return assert(run, type(why) == "table" and (why.reason or why.message) or why)
    end

    local function counters(fleet)
      local row = assert(ledger:fleet(with { fleet = fleet }))
      return { live = row.live, queued = row.queued, added = row.added }
    end

    on_it("adds items in order, and each once", function()
      open_fleet "f"
      local runs = assert(add("f", item "b", item "a", item "b"))
      assert.same({ true, true, false }, { runs[1].is_new, runs[2].is_new, runs[3].is_new or false })
      assert.equal(runs[1].run_id, runs[3].run_id)
      local again = assert(add("f", item "a", item "c"))
      assert.equal(runs[2].run_id, again[1].run_id)
      local keys = {}
      for place, run in ipairs(assert(ledger:runs(with { fleet = "f" }))) do keys[place] = run.key end
      assert.same({ "b", "a", "c" }, keys)
      assert.same({ live = 0, queued = 3, added = 3 }, counters "f")
    end)

    on_it("tells the names of an account's fleets that have items", function()
      assert.same({}, ledger:names(with {}))
      for _, fleet in ipairs { "typos", "Links", "empty" } do open_fleet(fleet) end
      assert(add("typos", item "a"))
      assert(add("Links", item "b", item "c"))
      assert.same({ "Links", "typos" }, ledger:names(with {}))
      assert.same({}, ledger:names { account_id = "another " .. account })
      assert.has_error(function() ledger:names(with { fleet = "typos" }) end)
    end)

    on_it("refuses the same key with another request, and adds nothing then", function()
      open_fleet "f"
      assert(add("f", item "a"))
      local runs, err = add("f", item "new", item("a", { request_hash = "other" }))
      assert.same({ nil, "conflict", "a", "none" }, { runs, err.kind, err.key, err.effect })
      assert.same({ live = 0, queued = 1, added = 1 }, counters "f")
      assert.equal("conflict", select(2, add("f", item("x", { conversation_id = account .. " a" }))).kind)
      assert.equal("not_found", select(2, add("unknown", item "a")).kind)
    end)

    on_it("keeps nothing of a rehearsal", function()
      open_fleet "f"
      local rehearsal = assert(ledgers.open(database.address))
      rehearsal:rehearse()
      assert(rehearsal:add(with { fleet = "f", items = { item "a" } }))
      assert.equal(1, #assert(rehearsal:runs(with { fleet = "f", limit = 10 })))
      rehearsal:close()
      assert.same({ live = 0, queued = 0, added = 0 }, counters "f")
    end)

    on_it("keeps texts and numbers as they are", function()
      open_fleet "f"
      local request = '{"t":"Ünïcode \' \\" ? $1 % ;--\\n"}' .. ("x"):rep(100000)
      local big = 9007199254740991
      assert(add("f", item("k ' ? é", { request = request, priority = 2147483653 })))
      local run = claimed()
      assert.same({ "k ' ? é", request, 2147483653, 1 }, { run.key, run.request, run.priority, run.fence })
      local found = assert(ledger:find(with { fleet = "f", key = run.key }))
      assert.same(run.run_id, found.run_id)
      run = assert(ledger:record(run, { cost = 1.250001, task_id = "t", sandbox_id = "s", execution_status = "running",
        sandbox_status = "RUNNING", state = "running" }))
      assert.same({ 1.250001, "t", "s", "running", "RUNNING", "running" }, { run.cost, run.task_id, run.sandbox_id,
        run.execution_status, run.sandbox_status, run.state })
      local run_sql, close = databases.connect(database)
      run_sql(("update openhands_runs set fence = %.0f where run_id = ?"):format(big), run.run_id)
      close()
      found = assert(ledger:run(run.run_id))
      assert.equal("9007199254740991", ("%.0f"):format(found.fence))
      assert(ledger:renew(found, 0.5))
      assert.equal("fenced", select(2, ledger:renew(run, 1)).kind)
    end)

    on_it("claims by priority, then in order, with the intent recorded", function()
      open_fleet "f"
      assert(add("f", item "a", item "b", item("urgent", { priority = 1 })))
      local first, second = claimed(), claimed()
      assert.same({ "urgent", "a", "starting", 1, 1 },
        { first.key, second.key, first.state, first.attempts, first.fence })
      assert.is_true(first.lease_until > first.intended_at + 500)
      local ids = assert(ledger:conversation_ids(first.run_id))
      assert.same({ 1, first.conversation_id }, { #ids, ids[1].conversation_id })
      assert.same({ live = 2, queued = 1, added = 3 }, counters "f")
    end)

    on_it("has never more live runs than slots", function()
      open_fleet("f", { account_slots = 3 })
      fill("f", "a", 9)
      local first = claimed()
      claimed(); claimed()
      local run, why = claim()
      assert.same({ false, "slots" }, { run, why.reason })
      assert(ledger:set_learned_slots(with { slots = 2 }))
      assert(ledger:finish(first, { state = "done" }))
      assert.is_false((claim()))
      assert(ledger:set_learned_slots(with {}))
      claimed()
      open_fleet("f", { account_slots = 9, slots = 4 })
      claimed()
      run, why = claim()
      assert.same({ false, "slots" }, { run, why.reason })
      assert.equal(4, counters("f").live)
    end)

    on_it("shares the slots fairly between fleets", function()
      open_fleet("one", { account_slots = 9 })
      open_fleet("two", { weight = 2 })
      fill("one", "a", 9)
      fill("two", "b", 9)
      local served = { one = 0, two = 0 }
      for _ = 1, 9 do
        local run = claimed()
        served[run.fleet] = served[run.fleet] + 1
      end
      assert.same({ one = 3, two = 6 }, served)
    end)

    on_it("serves the fleet first that was served least recently", function()
      open_fleet("one", { account_slots = 1 })
      open_fleet "two"
      fill("one", "a", 3)
      fill("two", "b", 3)
      local order = {}
      for place = 1, 4 do
        local run = claimed()
        order[place] = run.fleet
        assert(ledger:finish(run, { state = "done" }))
      end
      assert.same({ "one", "two", "one", "two" }, order)
      assert.equal("two", claimed { fleet = "two" }.fleet)
    end)

    on_it("returns the same run for the same token", function()
      open_fleet "f"
      fill("f", "a", 3)
      local run = claimed { token = account }
      local same = claimed { token = account }
      assert.same({ run.run_id, run.fence, true }, { same.run_id, same.fence, same.is_repeated })
      assert.equal(1, counters("f").live)
    end)

    on_it("gives a run whose lease has expired to another worker, and fences the first one", function()
      open_fleet("f", { account_slots = 1 })
      fill("f", "a", 2)
      local run = claimed { lease = 0, owner = "first" }
      assert(ledger:record(run, { state = "running", task_id = "t" }))
      local taken = claimed { owner = "second" }
      assert.same({ run.run_id, true, "running", run.fence + 1, "second", 1, run.intended_at },
        { taken.run_id, taken.is_takeover, taken.state, taken.fence, taken.owner, taken.attempts, taken.intended_at })
      assert.equal(1, counters("f").live)
      for _, change in ipairs {
        { "renew", 60 }, { "record", { cost = 1 } }, { "finish", { state = "failed" } }, { "requeue", {} },
      } do
        local value, err = ledger[change[1]](ledger, run, change[2])
        assert.same({ nil, "fenced", "none", false }, { value, err.kind, err.effect, err.retryable }, change[1])
      end
      assert.equal("done", assert(ledger:finish(taken, { state = "done" })).state)
    end)

    on_it("does not take over a run whose lease was renewed", function()
      open_fleet("f", { account_slots = 1 })
      fill("f", "a", 1)
      local run = claimed { lease = 0 }
      assert.is_true(assert(ledger:renew(run, 600)))
      assert.is_false((claim()))
      assert(ledger:renew(run, 0))
      assert(ledger:record(run, { lease = 600 }))
      assert.is_false((claim()))
    end)

    on_it("frees the slot of a run that ends, once", function()
      open_fleet "f"
      fill("f", "a", 1)
      local run = claimed()
      local ended = assert(ledger:finish(run, { state = "failed", result = "[1]", error = "why", cost = 2.5 }))
      assert.same({ "failed", "[1]", "why", 2.5, run.fence }, { ended.state, ended.result, ended.error, ended.cost,
        ended.fence })
      assert.is_true(ended.ended_at >= ended.created_at)
      assert(ledger:finish(run, { state = "failed" }))
      assert.same({ live = 0, queued = 0, added = 1 }, counters "f")
      assert.equal("conflict", select(2, ledger:finish(run, { state = "done" })).kind)
      assert.equal("conflict", select(2, ledger:renew(run, 1)).kind)
      assert.equal("conflict", select(2, ledger:record(run, { state = "running" })).kind)
      local run_, why = claim()
      assert.same({ false, "empty" }, { run_, why.reason })
    end)

    on_it("requeues a run with the same id, at once or later", function()
      open_fleet "f"
      fill("f", "a", 1)
      local run = claimed()
      local queued = assert(ledger:requeue(run, { delay = 500, why = "no slot" }))
      assert.same({ "queued", run.conversation_id, "no slot" }, { queued.state, queued.conversation_id, queued.error })
      assert(ledger:requeue(run, { delay = 0 })) -- changes nothing
      local none, why = claim()
      assert.same({ false, "later", true }, { none, why.reason, why.ready_in > 400 and why.ready_in <= 500 })
      assert.same({ live = 0, queued = 1, added = 1 }, counters "f")
      assert(ledger:finish(queued, { state = "cancelled" }))
      assert(ledger:requeue(queued, {}))
      local again = claimed()
      assert.same({ run.run_id, run.fence + 1, 2 }, { again.run_id, again.fence, again.attempts })
      assert.equal(1, #assert(ledger:conversation_ids(run.run_id)))
    end)

    on_it("keeps every id that was sent", function()
      open_fleet "f"
      fill("f", "a", 2)
      local run = claimed()
      assert(ledger:record(run, { task_id = "old" }))
      local queued = assert(ledger:requeue(run, { conversation_id = account .. " second", why = "sandbox exists" }))
      assert.is_nil(queued.task_id)
      assert(ledger:requeue(run, { conversation_id = account .. " second", why = "sandbox exists" }))
      local again = claimed()
      assert.equal(account .. " second", again.conversation_id)
      local ids = assert(ledger:conversation_ids(run.run_id))
      assert.same({ 2, run.conversation_id, "sandbox exists" },
        { #ids, ids[1].conversation_id, ids[1].dropped_because })
      assert.is_nil(ids[2].dropped_because)
      for _, used in ipairs { run.conversation_id, account .. " a2" } do
        local _, err = ledger:requeue(again, { conversation_id = used, why = "x" })
        assert.equal("conflict", err.kind)
      end
    end)

    on_it("pauses a fleet and an account, and says how long", function()
      open_fleet "f"
      fill("f", "a", 1)
      assert(ledger:pause_fleet(with { fleet = "f", seconds = 300 }))
      local run, why = claim()
      assert.same({ false, "paused", true }, { run, why.reason, why.ready_in > 200 and why.ready_in <= 300 })
      assert(ledger:pause_fleet(with { fleet = "f", seconds = 0 }))
      assert(ledger:pause_account(with { seconds = 300 }))
      run, why = claim()
      assert.same({ false, "paused" }, { run, why.reason })
      assert(ledger:pause_account(with { seconds = 0 }))
      claimed()
      assert.equal("not_found", select(2, ledger:pause_fleet(with { fleet = "g", seconds = 0 })).kind)
    end)

    on_it("knows exactly the transitions of the table", function()
      open_fleet("f", { account_slots = 1000 })
      local to_reach = { -- operations that lead a claimed run to each state
        queued = function(run) return ledger:requeue(run, {}) end,
        starting = function(run) return run end,
      }
      for _, state in ipairs { "running", "paused" } do
        to_reach[state] = function(run) return ledger:record(run, { state = state }) end
      end
      for _, state in ipairs { "done", "failed", "cancelled", "ambiguous" } do
        to_reach[state] = function(run) return ledger:finish(run, { state = state }) end
      end
      to_reach.skipped = function(run)
        return ledger:finish(assert(ledger:requeue(run, {})), { state = "skipped" })
      end
      local made = 0
      for from, reach in pairs(to_reach) do
        for to in pairs(states.FROM) do
          made = made + 1
          assert(add("f", item("k" .. made, { priority = made })))
          local run = assert(reach(claimed()))
          assert.equal(from, run.state)
          local changed, err
          if to == "queued" then
            changed, err = ledger:requeue(run, {})
          elseif states.ENDED[to] then
            changed, err = ledger:finish(run, { state = to })
          else
            changed, err = ledger:record(run, { state = to })
          end
          local expected = states.may_follow(from, to) or (from == to and not states.LIVE[to])
          assert.same({ from, to, expected }, { from, to, changed and true or false })
          assert.is_true(expected or err.kind == "conflict")
          if assert(ledger:run(run.run_id)).state == "queued" then
            assert(ledger:finish(run, { state = "skipped" }))
          end
        end
      end
      local counts, live = assert(ledger:counts(with { fleet = "f" })), counters("f").live
      assert.equal(live, counts.starting + counts.running + counts.paused)
      assert.equal(made, counters("f").added)
    end)

    on_it("reads the runs of a fleet in pages", function()
      open_fleet "f"
      fill("f", "a", 25)
      local run = claimed()
      local seen, after = {}, 0
      repeat
        local page = assert(ledger:runs(with { fleet = "f", after = after, limit = 10 }))
        for _, each in ipairs(page) do
          seen[#seen + 1] = each.key
          assert.is_nil(each.request)
          after = each.position
        end
      until #page == 0
      assert.same({ 25, "a1", "a25" }, { #seen, seen[1], seen[25] })
      assert.equal(run.run_id, assert(ledger:runs(with { fleet = "f", state = "starting" }))[1].run_id)
      assert.same({ 1, 24 }, { assert(ledger:counts(with { fleet = "f" })).starting,
        ledger:counts(with { fleet = "f" }).queued })
      assert.equal("not_found", select(2, ledger:run "none").kind)
      assert.equal("not_found", select(2, ledger:find(with { fleet = "f", key = "none" })).kind)
    end)

    on_it("refuses a newer schema, at opening and in a claim, and says what to do", function()
      open_fleet "f"
      fill("f", "a", 1)
      local run_sql, close = databases.connect(database)
      finally(function()
        run_sql(("update openhands_ledger set version = %d"):format(schema.VERSION))
        close()
      end)
      run_sql(("update openhands_ledger set version = %d"):format(schema.VERSION + 1))
      local other, err = ledgers.open(database.address)
      assert.same({ nil, "ledger", false }, { other, err.kind, err.retryable })
      assert.matches("upgrade openhands", err.message)
      local run
      run, err = claim()
      assert.same({ nil, "ledger" }, { run, err.kind })
    end)

    on_it("raises mistakes of the calling module", function()
      for _, mistake in ipairs {
        function() ledger:claim { account_id = account, owner = "x", token = "y" } end,
        function() ledger:claim { account_id = account, owner = "x", token = "y", lease = 1, typo = 1 } end,
        function() ledger:add { account_id = account, fleet = "f", items = { { key = "" } } } end,
        function() ledger:add { account_id = account, fleet = "f", items = { item "a\0b" } } end,
        function() ledger:finish({}, { state = "done" }) end,
        function() ledger:finish({ run_id = "x", fence = 1 }, { state = "running" }) end,
        function() ledger:record({ run_id = "x", fence = 1 }, { cost = 0 / 0 }) end,
        function() ledger:requeue({ run_id = "x", fence = 1 }, { conversation_id = "y" }) end,
      } do
        assert.is_false((pcall(mistake)))
      end
    end)
  end)
end
