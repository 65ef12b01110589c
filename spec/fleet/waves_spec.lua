-- Fleets whose items wait for others, and budgets, on the simulator in this process and in virtual time.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("waves", function() it("are tested", function() pending "LuaDBI is missing" end) end)
end

describe("a fleet", function()
  local open_fleet = databases.fleet_specs(before_each, after_each, { start_interval = 0 })

  -- Returns a function that opens a fleet, and the model.
  local function simulated()
    local client, model = in_process.simulated({ api = "v1" }, { grace = 2 })
    return function(settings) return open_fleet(client, settings) end, model
  end

  local function item(key, fields)
    fields = fields or {}
    fields.key, fields.initial_user_msg = key, ("%s [simulate: %s]"):format(key, fields.outcome or "finished")
    fields.outcome = nil
    return fields
  end

  -- Returns the states of the runs of a report, in their order.
  local function states(report)
    local list = {}
    for place, run in ipairs(report.runs) do list[place] = run.state end
    return table.concat(list, " ")
  end

  -- Returns the keys of the items whose starts the service has accepted.
  local function started(model)
    local keys = {}
    for place, start in ipairs(model.starts) do keys[place] = start.body:match "(%w+) %[simulate" end
    return table.concat(keys, " ")
  end

  it("starts what depends on others after them", function()
    local open, model = simulated()
    local fleet = open()
    assert(fleet:add { item "a", item("c", { depends_on = "a" }), item "b", item("d", { depends_on = { "b", "c" } }) })
    local report = assert(fleet:run())
    assert.equal("done done done done", states(report))
    assert.equal("a b c d", started(model))
  end)

  it("skips what depends on a failure", function()
    local open, model = simulated()
    local fleet = open()
    assert(fleet:add { item("a", { outcome = "error" }), item("b", { depends_on = "a" }), item "c" })
    local report = assert(fleet:run())
    assert.equal("failed skipped done", states(report))
    assert.equal("a c", started(model))
    assert.matches("because 'a' has failed", report.runs[2].error)
    local _, err = fleet:add(item("x", { depends_on = "unknown" }))
    assert.equal("invalid", err.kind)
  end)

  it("goes on after its canaries only if they succeed", function()
    local open, model = simulated()
    local fleet = open { canary = 1 }
    assert(fleet:add { item "a", item "b", item "c" })
    assert.equal("done done done", states(assert(fleet:run())))
    fleet = open { name = "g", canary = 1 }
    assert(fleet:add { item("d", { outcome = "error" }), item "e", item "f" })
    assert.equal("failed skipped skipped", states(assert(fleet:run())))
    assert.equal("a b c d", started(model))
  end)

  it("has one live run of an exclusive group", function()
    local open, model = simulated()
    local fleet = open()
    assert(fleet:add { item("a", { exclusive = "o/r..main" }), item("b", { exclusive = "o/r..main" }), item "c" })
    local live, most = 0, 0
    assert(fleet:run { on_change = function(run, previous)
      if run.key ~= "c" then
        live = live + (previous == "queued" and 1 or 0) - (run.state == "done" and 1 or 0)
        most = math.max(most, live)
      end
    end })
    assert.equal(1, most)
    assert.equal("a c b", started(model))
  end)

  it("starts nothing more when four fifths of its budget are spent", function()
    local open, model = simulated()
    local fleet = open { slots = 1, budget = 0.2 }
    assert(fleet:add { item "a", item "b", item "c", item "d" })
    local report, err = fleet:run()
    assert.is_nil(report)
    assert.equal("quota", err.kind)
    assert.matches("run: nothing more is started, because %$0.17 of the budget of %$0.20 for fleet 'f'", err.message)
    assert.equal("a b", started(model))
    assert.equal("done done queued queued", states(assert(fleet:report())))
    fleet = open { slots = 1, budget = 10 }
    assert.equal("done done done done", states(assert(fleet:run())))
  end)

  for _, policy in ipairs { "fail", "leave" } do
    it("resumes what it has paused itself, though on_paused is " .. policy, function()
      local open = simulated()
      local fleet = open { budget = 0.15, interval = 1, on_paused = policy }
      assert(fleet:add { item "a", item "b", item "c" })
      assert.equal("quota", select(2, fleet:run()).kind)
      fleet = open { budget = math.huge, interval = 1, on_paused = policy }
      assert.equal("done done done", states(assert(fleet:run { timeout = 3000 })))
      assert.is_nil(assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" }).learned_slots)
    end)
  end

  it("pauses what is live when all of its budget is spent, and resumes it with a larger one", function()
    local open, model = simulated()
    local fleet = open { slots = 3, budget = 0.15, interval = 1 }
    assert(fleet:add { item "a", item "b", item "c" })
    local report, err = fleet:run()
    assert.is_nil(report)
    assert.matches("run: what was live is paused, because", err.message)
    assert.equal("paused paused paused", states(assert(fleet:report())))
    report, err = fleet:run()
    assert.same({ nil, "quota" }, { report, err.kind })
    assert.equal("paused paused paused", states(assert(fleet:report())))
    fleet = open { slots = 3, budget = math.huge, interval = 1 }
    assert.equal("done done done", states(assert(fleet:run())))
    assert.equal("a b c", started(model))
  end)

  it("learns the limit of the account, within a group too", function()
    local client = in_process.simulated({ api = "v1", max_concurrent = 1, limit_mode = "refuse" }, { grace = 2 })
    local fleet = open_fleet(client, { slots = 2 })
    assert(fleet:add { item "a", item "b", item "c" })
    local results = assert(client:all { function() return fleet:run() end })
    assert.equal("done done done", states(results[1]))
    assert.equal(1, assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" }).learned_slots)
  end)

  it("plans what a run would do, and starts nothing", function()
    local open, model = simulated()
    local fleet = open { slots = 2 }
    assert(fleet:add { item "a", item "b" })
    local plan = assert(fleet:plan())
    assert.same({ { "a", "b" }, {}, {}, {} }, { plan.start, plan.take_up, plan.wait, plan.ended })
    assert.same({ 2 }, { plan.at_once, plan.expected_cost })
    assert.matches("no cost is known", tostring(plan))
    assert.equal("", started(model))
    assert(fleet:run())
    assert(fleet:add { item("c", { exclusive = "x" }), item("d", { exclusive = "x" }), item("e", { depends_on = "c" }),
      item("f", { priority = 1 }) })
    local _, err = fleet:run { timeout = 5 }
    assert.equal("timeout", err.kind)
    plan = assert(fleet:plan())
    assert.same({ { "c", "f" }, {}, { "a", "b" } }, { plan.take_up, plan.start, plan.ended })
    assert.same({ { key = "d", why = "for 'c', of the same exclusive group" }, { key = "e", why = "for 'c'" } },
      plan.wait)
    assert.is_true(math.abs(plan.average_cost - 0.0831) < 1e-6)
    assert.is_true(math.abs(plan.expected_cost - 4 * 0.0831) < 0.05)
    assert.equal([[
f: 0 to start, 2 at a time; 2 to take up; 2 that wait; 2 that have ended; expected to cost $0.33 more, $0.08 for each
take up  c
take up  f
wait     d  for 'c', of the same exclusive group
wait     e  for 'c']], tostring(plan))
    fleet = open { name = "g", canary = 1, budget = 0.1 }
    assert(fleet:add { item "x", item "y" })
    assert.same({ { key = "y", why = "for the canaries, the first 1" } }, assert(fleet:plan()).wait)
    fleet:run()
    assert.same({ { key = "y", why = "for a larger budget" } }, assert(fleet:plan()).wait)
  end)
end)
