-- client:map with a name: as a fleet that survives its process. On the simulator's model and in virtual time.
local databases = require "spec.support.ledger_databases"
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("a map with a name", function() it("is tested", function() pending "LuaDBI is missing" end) end)
end

describe("a map with a name", function()
  local database

  before_each(function() database = databases.start "SQLite" end)
  after_each(function() database.stop() end)

  local function simulated() return in_process.simulated({ api = "v1" }, { grace = 2 }) end

  local function task(outcome)
    return { initial_user_msg = ("Use {braces} [simulate: %s]"):format(outcome), observability_tags = { "{tag}" } }
  end

  local function options_of(more)
    local options = { name = "m", ledger = database.address, slots = 2 }
    for name, value in pairs(more or {}) do options[name] = value end
    return options
  end

  it("starts each item once, however often it is run", function()
    local client, model = simulated()
    for _ = 1, 2 do
      local results = assert(client:map({ "a", "b", "c" }, function() return task "finished" end, options_of()))
      assert.same({ 3, 0, 0, 3 }, { results.done, results.failed, results.skipped, results.total })
      assert.same({ "a", "done" }, { results[1].key, results[1].state })
      assert.equal("string", type(results[3].answer))
      assert.is_true(math.abs(results.cost - 3 * 0.0831) < 1e-6)
    end
    assert.equal(3, #model.starts)
    assert.matches("Use {braces} ", model.starts[1].body)
  end)

  it("goes on where another process has ended", function()
    local client, model = simulated()
    local function run() return task "finished" end
    local whole = client:spawn(client.map, client, { "a", "b", "c" }, run, options_of())
    client:sleep(20)
    whole:cancel()
    assert.equal("cancelled", (select(2, whole:wait())).kind)
    assert.equal(2, #model.starts)
    local results = assert(client:map({ "a", "b", "c" }, run, options_of()))
    assert.equal(3, results.done)
    assert.equal(3, #model.starts)
  end)

  it("puts failures in the places of results, and tries them again", function()
    local client, model = simulated()
    local function run(item) return task(item.outcome) end
    local items = { { key = "a", outcome = "error" }, { key = "b", outcome = "finished" } }
    for _ = 1, 2 do
      local results = assert(client:map(items, run, options_of { retry = 1 }))
      assert.is_true(errors.is(results[1]))
      assert.same({ "conflict", "a (try 2)", "b" }, { results[1].kind, results[1].run.key, results[2].key })
      assert.same({ 1, 1 }, { results.done, results.failed })
    end
    assert.equal(3, #model.starts)
  end)

  it("stops after an error if it shall, and near the end of its budget", function()
    local client, model = simulated()
    local results = assert(client:map({ "error", "finished", "finished ", "finished  " }, task,
      options_of { stop_on_error = true }))
    assert.same({ 1, 1, 2 }, { results.done, results.failed, results.skipped })
    assert.matches("item 4 is queued, because 'error' has failed", results[4].message)
    assert.equal(2, #model.starts)
    results = assert(client:map({ 1, 2, 3, 4 }, function() return task "finished" end,
      options_of { name = "n", slots = 1, budget = 0.2, order = "finished" }))
    assert.same({ 2, 0, 2 }, { results.done, results.failed, results.skipped })
    assert.same({ 1, 2, 3, 4 }, results.indices)
    assert.matches("item 3 is queued, because run: nothing more is started", results[3].message)
  end)

  it("refuses what a ledger cannot keep", function()
    local client = simulated()
    for message, call in pairs {
      ["with a 'name' the function must return the fields of a start"] = { function() return "x" end, {} },
      ["'retry' must be a number if there is a 'name'"] = { task, { retry = print } },
    } do
      local good, problem = pcall(client.map, client, { "x" }, call[1], options_of(call[2]))
      assert.is_false(good)
      assert.matches(message, problem)
    end
    assert.has_error(function() client:map({}, task, { ledger = "x" }) end)
    assert(client:map({ "x" }, function() return task "finished" end, options_of()))
    local results, err = client:map({ "x" }, function() return task "error" end, options_of())
    assert.same({ nil, "conflict", "x" }, { results, err.kind, err.key })
  end)
end)
