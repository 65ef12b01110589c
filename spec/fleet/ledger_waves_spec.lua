-- Items of a ledger that wait for others: dependencies, canaries, exclusive groups, budgets; on both databases.
local databases = require "spec.support.ledger_databases"

local number = 0

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("waves of a ledger on " .. name, function()
    local ledger, account

    local on_it = databases.ledger_specs(name, { setup = setup, teardown = teardown, it = it, pending = pending },
      function(opened) ledger = opened end)

    before_each(function()
      number = number + 1
      account = "account " .. number
    end)

    local function with(fields)
      fields.account_id, fields.fleet = account, fields.fleet or "f"
      return fields
    end

    local function open_fleet(fields) return assert(ledger:open_fleet(with(fields or {}))) end

    local function item(key, fields)
      fields = fields or {}
      fields.key, fields.request, fields.request_hash = key, "{}", "hash"
      fields.conversation_id = account .. " " .. key
      return fields
    end

    local function add(...) return ledger:add(with { items = { ... } }) end

    local tokens = 0
    local function claim(fleet)
      tokens = tokens + 1
      return ledger:claim { account_id = account, fleet = fleet, owner = "worker", lease = 600,
        token = "token " .. tokens }
    end

    local function claimed(key)
      local run, why = claim()
      assert(run, type(why) == "table" and (why.reason or why.message) or why)
      assert.equal(key, run.key)
      return run
    end

    local function waits(reason)
      local run, why = claim()
      assert.same({ false, reason }, { run, why.reason })
      assert.is_nil(why.ready_in)
    end

    local function finish(run, state, cost)
      return assert(ledger:finish(run, { state = state, cost = cost }))
    end

    -- Returns the states of all items, in their order.
    local function states()
      local list = {}
      for _, run in ipairs(assert(ledger:runs(with {}))) do list[#list + 1] = run.state end
      return table.concat(list, " ")
    end

    local function counters()
      local row = assert(ledger:fleet(with {}))
      return ("%d live %d queued %d added"):format(row.live, row.queued, row.added)
    end

    on_it("starts an item when all that it depends on is done", function()
      open_fleet()
      assert(add(item "a", item "b", item("c", { depends_on = { "a", "b", "a" }, priority = 9 })))
      local c = assert(ledger:find(with { key = "c" }))
      assert.equal(2, c.unmet)
      local a, b = claimed "a", claimed "b"
      waits "waits"
      finish(a, "done")
      waits "waits"
      finish(a, "done") -- once more, as after a commit whose outcome was unknown
      waits "waits"
      finish(b, "done")
      finish(claimed "c", "done")
      waits "empty"
      assert(add(item("d", { depends_on = { "c" } })))
      claimed "d"
    end)

    on_it("skips what waits for an item that has failed, and what waits for that", function()
      open_fleet()
      assert(add(item "a", item("b", { depends_on = { "a" } }), item("c", { depends_on = { "b" } }), item "d"))
      finish(claimed "a", "failed")
      assert.equal("failed skipped skipped queued", states())
      assert.equal("0 live 1 queued 4 added", counters())
      local runs = assert(ledger:runs(with {}))
      assert.same({ "not started, because 'a' has failed", "not started, because 'a' has failed" },
        { runs[2].error, runs[3].error })
      assert(add(item("e", { depends_on = { "c" } })))
      assert.equal("failed skipped skipped queued skipped", states())
      assert.equal("0 live 1 queued 5 added", counters())
      claimed "d"
    end)

    on_it("refuses an item that depends on one that is not there yet", function()
      open_fleet()
      for _, depends_on in ipairs { { "b" }, { "a" } } do
        local runs, err = add(item("a", { depends_on = depends_on }), item "b")
        assert.same({ nil, "invalid", "a", "none" }, { runs, err.kind, err.key, err.effect })
        assert.matches("depends on '" .. depends_on[1] .. "', which the fleet does not have yet", err.message)
      end
      assert.equal("0 live 0 queued 0 added", counters())
    end)

    on_it("starts the others when the canaries are done", function()
      open_fleet { canary = 2 }
      assert(add(item "a", item("b", { priority = 1 }), item("c", { priority = 9 }), item "d"))
      local a, b = claimed "a", claimed "b"
      waits "waits"
      finish(b, "done")
      waits "waits"
      finish(a, "done")
      claimed "c"
      claimed "d"
    end)

    on_it("skips the others when a canary has failed, those that are added later too", function()
      open_fleet { canary = 2 }
      assert(add(item "a", item "b", item "c", item "d"))
      local a, b = claimed "a", claimed "b"
      finish(b, "ambiguous")
      assert.equal("starting ambiguous skipped skipped", states())
      finish(a, "done")
      assert(add(item "e"))
      assert.equal("done ambiguous skipped skipped skipped", states())
      assert.equal("0 live 0 queued 5 added", counters())
      assert.matches("canary 'b' may have been started", assert(ledger:find(with { key = "e" })).error)
      waits "empty"
    end)

    on_it("has one live run of an exclusive group, over all fleets of an account", function()
      open_fleet()
      open_fleet { fleet = "g" }
      assert(add(item("a", { exclusive = "o/r..main" }), item("b", { exclusive = "o/r..main" }), item "c",
        item("d", { exclusive = "o/r..next" })))
      assert(ledger:add(with { fleet = "g", items = { item("x", { exclusive = "o/r..main" }) } }))
      local a = assert((claim "f"))
      assert.same({ "a", "o/r..main" }, { a.key, a.exclusive })
      assert.equal("c", assert((claim "f")).key)
      assert.equal("d", assert((claim "f")).key)
      waits "waits"
      assert(ledger:requeue(a, { delay = 600 }))
      local x = assert((claim "g"))
      assert.equal("x", x.key)
      local run, why = claim()
      assert.same({ false, "later" }, { run, why.reason }) -- `a` may be tried again in ten minutes
      finish(x, "failed")
      assert.equal("b", assert((claim())).key)
    end)

    on_it("adds up costs, and starts nothing more when the budget is nearly spent", function()
      open_fleet { budget = 1 }
      assert(add(item "a", item "b", item "c"))
      local a = claimed "a"
      a = assert(ledger:record(a, { cost = 0.25 }))
      a = assert(ledger:record(a, { cost = 0.5 }))
      local b = claimed "b"
      finish(a, "done", 0.5)
      assert(ledger:record(b, { cost = 0.3 }))
      assert.is_true(math.abs(assert(ledger:fleet(with {})).cost - 0.8) < 1e-6)
      waits "budget"
      open_fleet { budget = 2 }
      claimed "c"
      open_fleet { budget = math.huge }
      assert.is_nil(assert(ledger:fleet(with {})).budget)
    end)

    on_it("does not look through the queue for what waits", function()
      open_fleet { account_slots = 2 }
      local items = { item "first" }
      for place = 1, 500 do items[place + 1] = item("k" .. place, { depends_on = { "first" } }) end
      assert(ledger:add(with { items = items }))
      local first = claimed "first"
      waits "waits"
      finish(first, "done")
      claimed "k1"
    end)
  end)
end
