-- client:map, on the simulator's model and in virtual time.
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

local function simulated(options)
  return in_process.simulated(options or { api = "v1" })
end

local function task(simulate)
  return { initial_user_msg = ("[simulate: %s]"):format(simulate) }
end

local function raises(message, run)
  local good, problem = pcall(run)
  assert.is_false(good)
  assert.matches("map_spec%.lua:%d+: openhands%." .. message, problem)
end

describe("map", function()
  it("starts what the function returns, and waits for it", function()
    local client, model = simulated()
    local results = assert(client:map({ "a", "b", "c" }, function(item, index)
      return { initial_user_msg = item .. index }
    end))
    assert.same({ 3, 3, 0, 0 }, { #results, results.done, results.failed, results.skipped })
    for place, conversation in ipairs(results) do
      assert.equal("finished", conversation.state)
      assert.matches(("abc"):sub(place, place) .. place, model.starts[place].body)
    end
    assert.is_true(math.abs(results.cost - 3 * 0.0831) < 1e-9)
  end)

  it("lets the function do its own work", function()
    local client = simulated()
    local results = assert(client:map({ 30, 20, 10 }, function(item, index)
      client:sleep(item)
      return index ~= 2 and { item = item } or nil
    end))
    assert.same({ { item = 30 }, true, { item = 10 } }, { results[1], results[2], results[3] })
  end)

  it("puts failures in the places of results", function()
    local client = simulated()
    local results = assert(client:map({ "finished", "error", "raise", "text", "mistake", "typo" }, function(item)
      if item == "raise" then error "boom" end
      if item == "text" then return nil, "no file" end
      if item == "mistake" then return { initial_user_msg = "x", repositry = "a/b" } end
      if item == "typo" then return { inital_user_msg = "x" } end
      return task(item)
    end))
    assert.same({ 1, 5, 6 }, { results.done, results.failed, results.total })
    assert.equal("finished", results[1].state)
    for place = 2, 6 do assert.is_true(errors.is(results[place])) end
    assert.equal("failed", results[2].conversation.state)
    assert.matches("boom", results[3].message)
    assert.equal("no file", results[4].cause)
    assert.matches("'repositry' is not a field of this call", results[5].message)
    assert.matches("did you mean 'initial_user_msg'", results[6].message)
  end)

  it("runs no more than 'slots' at a time, and waits for a slot of the account", function()
    local client, model = simulated { max_concurrent = 2, limit_mode = "refuse" }
    local running, most = 0, 0
    local results = assert(client:map({ 1, 2, 3, 4, 5, 6 }, function()
      running = running + 1
      most = math.max(most, running)
      client:sleep(1)
      running = running - 1
      return task "finished"
    end, { slots = 3 }))
    assert.same({ 6, 3 }, { results.done, most })
    assert.equal(6, #model.starts)
  end)

  it("stops after an error if it shall, and lets end what runs", function()
    local client, model = simulated()
    local results = assert(client:map({ "finished", "error", "finished", "finished" }, task,
      { slots = 2, stop_on_error = true }))
    assert.same({ 1, 1, 2 }, { results.done, results.failed, results.skipped })
    assert.equal("finished", results[1].state)
    assert.equal(2, #model.starts)
    assert.same({ "cancelled", "none" }, { results[4].kind, results[4].effect })
    assert.matches("item 4 was not begun, because item 2 has failed", results[4].message)
  end)

  it("tries again what certainly runs no more", function()
    local client, model = simulated()
    local tries = { 0, 0, 0 }
    local results = assert(client:map({ 1, 2, 3 }, function(item)
      tries[item] = tries[item] + 1
      if item == 2 then error "who knows what it has started" end
      return task(item == 1 and tries[1] < 3 and "error" or "finished")
    end, { retry = 2 }))
    assert.same({ 3, 1, 1 }, tries)
    assert.same({ 2, 1 }, { results.done, results.failed })
    assert.equal(4, #model.starts)
  end)

  it("lets a function decide what is tried again", function()
    local client = simulated()
    local asked, tries = {}, 0
    local results = assert(client:map({ "x" }, function()
      tries = tries + 1
      if tries < 3 then return nil, "not yet" end
      return "now"
    end, { retry = function(err, number, item)
      asked[#asked + 1] = ("%s %d %s"):format(err.cause, number, item)
      return true
    end }))
    assert.equal("now", results[1])
    assert.same({ "not yet 1 x", "not yet 2 x" }, asked)
  end)

  it("begins nothing more when the budget is nearly spent", function()
    local client, model = simulated()
    local results = assert(client:map({ 1, 2, 3, 4 }, function() return task "finished" end,
      { slots = 1, budget = 0.2 }))
    assert.same({ 2, 2 }, { results.done, results.skipped })
    assert.equal(2, #model.starts)
    assert.matches("80 %% of the budget are spent", results[4].message)
  end)

  it("returns the results as they came, with their places", function()
    local client = simulated()
    local results = assert(client:map({ 30, 20, 10 }, function(item)
      client:sleep(item)
      return item
    end, { order = "finished" }))
    assert.same({ 10, 20, 30 }, { results[1], results[2], results[3] })
    assert.same({ 3, 2, 1 }, results.indices)
  end)

  it("reads items from an iterator, and passes on its error", function()
    local client = simulated()
    local left = 2
    local function iterate()
      left = left - 1
      return left >= 0 and left or nil
    end
    local results = assert(client:map(iterate, function(item) return item end))
    assert.same({ 1, 0 }, { results[1], results[2] })
    assert.same({ nil, "no file" }, { client:map(function() return nil, "no file" end, print) })
    assert.equal(0, (assert(client:map({}, print))).total)
  end)

  it("ends its items when it is cancelled", function()
    local client, model = simulated()
    local whole = client:spawn(client.map, client, { 1, 2, 3 }, function() return task "finished" end, { slots = 2 })
    client:sleep(5)
    whole:cancel()
    local results, err = whole:wait()
    assert.is_nil(results)
    assert.equal("cancelled", err.kind)
    client:sleep(100)
    assert.equal(2, #model.starts)
  end)

  it("refuses wrong arguments", function()
    local client = simulated()
    raises("map: unknown option 'slot' %(did you mean 'slots'%?%)", function() client:map({}, print, { slot = 1 }) end)
    raises("map: 'slots' must be a whole number, at least 1", function() client:map({}, print, { slots = 0 }) end)
    raises("map: 'retry' must be a number or function, not a string", function()
      client:map({}, print, { retry = "2" })
    end)
    raises("map: 'order' must be \"given\" or \"finished\"", function() client:map({}, print, { order = "x" }) end)
    raises("map: needs a function, not a nil", function() client:map({}) end)
    raises("map: needs a list or an iterator of items, not a number", function() client:map(7, print) end)
    raises("map: options must be a table, not a number", function() client:map({}, print, 7) end)
  end)
end)
