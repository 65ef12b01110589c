-- Tests of tasks beyond those of every loop in spec/conformance: in virtual time, on the simulator's model.
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local function started()
  return in_process.simulated { api = "v1" }
end

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("a task", function()
  it("sleeps at the same time as the others", function()
    local client, model = started()
    local before, tasks = model:time(), {}
    for i = 1, 10 do tasks[i] = client:spawn(client.sleep, client, 100 * i) end
    for _, task in ipairs(tasks) do assert.is_true(task:wait()) end
    assert.equal(1000, model:time() - before)
  end)

  it("is woken in turn: the first to wait for a record is woken first", function()
    local client, order, expected, tasks = started(), {}, {}, {}
    local first = client:spawn(client.sleep, client, 5)
    for i = 1, 50 do
      expected[i] = i
      tasks[i] = client:spawn(function()
        first:wait()
        order[#order + 1] = i
      end)
    end
    for _, task in ipairs(tasks) do task:wait() end
    assert.same(expected, order)
  end)

  it("yields even in a short sleep", function()
    local client, flag = started(), false
    client:spawn(function() flag = true end)
    for _ = 1, 3 do client:sleep(0) end
    assert.is_true(flag)
    local order = {}
    local function count(name)
      return function()
        for _ = 1, 3 do
          order[#order + 1] = name
          client:sleep(0)
        end
      end
    end
    client:all { count "a", count "b" }
    assert.equal("ababab", table.concat(order))
  end)

  it("goes on when it has yielded by itself", function()
    local client = started()
    local task = client:spawn(function()
      coroutine.yield "to nobody"
      return "over"
    end)
    assert.equal("over", task:wait(1))
  end)

  it("may create coroutines of its own", function()
    local client = started()
    local task = client:spawn(function()
      local told = {}
      local reader = coroutine.wrap(function()
        for i = 1, 3 do
          assert(client:sleep(1)) -- must not yield to the resumer of this coroutine
          coroutine.yield(i)
        end
      end)
      for i = 1, 3 do told[i] = reader() end
      return table.concat(told, " ")
    end)
    assert.equal("1 2 3", task:wait())
  end)

  if coroutine.isyieldable then -- otherwise it cannot be known
    it("waits like the host where it cannot yield, and the others go on", function()
      local client, order = started(), {}
      local other = client:spawn(function()
        client:sleep(1)
        order[#order + 1] = "other"
      end)
      local task = client:spawn(function()
        local list = { 2, 1 }
        table.sort(list, function(one, two)
          client:sleep(2)
          return one < two
        end)
        order[#order + 1] = table.concat(list)
      end)
      task:wait()
      other:wait()
      assert.same({ "other", "12" }, order)
    end)
  end

  if not is_51 then -- which cannot yield inside pcall
    it("may catch what its calls raise", function()
      local client = started()
      local task = client:spawn(function()
        return pcall(function()
          client:sleep(1)
          error "caught"
        end)
      end)
      local good, problem = task:wait()
      assert.is_false(good)
      assert.matches("caught$", problem)
    end)
  end

  it("may wait inside pcall, even where Lua cannot yield there", function()
    local client, order = started(), {}
    local task = client:spawn(function()
      for i = 1, 3 do assert(pcall(client.sleep, client, i)) end
      return "good"
    end)
    local other = client:spawn(function()
      client:sleep(0.5)
      order[1] = "other"
    end)
    assert.equal("good", task:wait())
    other:wait()
    assert.equal("other", order[1])
  end)

  it("gets an error when it waits for itself, or for one that waits for it", function()
    local client = started()
    local own
    own = client:spawn(function() return own:wait() end)
    local _, err = own:wait()
    assert.matches("a task cannot wait for itself", err.cause)
    local one, two
    one = client:spawn(function() return two:wait() end)
    two = client:spawn(function() return one:wait() end)
    assert.error_matches(function() one:wait() end, "the tasks wait for one another")
  end)

  it("ends with the unchanged error of this library, with a traceback", function()
    local client = started()
    local task = client:spawn(function()
      local _, err = client:status(("0"):rep(32))
      error(err)
    end)
    local value, err = task:wait()
    assert.is_nil(value)
    assert.equal("not_found", err.kind)
    assert.matches("task_spec.lua", err.traceback)
  end)

  it("keeps a raised value that is not a text in `err.cause`", function()
    local client, thing = started(), {}
    local _, err = client:spawn(error, thing):wait()
    assert.equal(thing, err.cause)
    assert.equal("raised", err.kind)
  end)

  it("ends with an error that does not contain the key", function()
    local client = started()
    local _, err = client:spawn(function() error "it is sk-canary-0123456789" end):wait()
    assert.is_nil(tostring(err):find("canary", 1, true))
    assert.is_nil(err.traceback:find("canary", 1, true))
  end)

  it("is logged when it has raised an error", function()
    local lines = {}
    local client = openhands.new {
      transport = simulator.transport(simulator.model()), api_key = "any",
      log = function(line) lines[#lines + 1] = line end,
    }
    client:spawn(error, "into the log")
    client:sleep(1)
    assert.matches("a task has failed: .*into the log\nstack traceback", table.concat(lines))
  end)

  it("is collected when it has ended and nothing holds it", function()
    local client = started()
    local kept = setmetatable({}, { __mode = "v" })
    local function run()
      for i = 1, 5 do
        kept[i] = client:spawn(function() client:sleep(1) return {} end)
      end
    end
    run()
    client:sleep(2)
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
  end)

  it("shows its state as text", function()
    local client = started()
    local task = client:spawn(client.sleep, client, 5)
    assert.equal("openhands.Task (new)", tostring(task))
    client:sleep(1)
    assert.equal("openhands.Task (running)", tostring(task))
    task:cancel()
    assert.equal("openhands.Task (cancelled)", tostring(task))
    task:wait()
    assert.equal("openhands.Task (ended)", tostring(task))
  end)

  it("checks the arguments of its methods, and of those that make tasks", function()
    local client = started()
    local task = client:spawn(function() end)
    local function raises(pattern, run, ...)
      local good, message = pcall(run, ...)
      assert.is_false(good)
      assert.matches(pattern, message)
      assert.matches("task_spec.lua:%d+:", message)
    end
    raises("spawn: needs a function, not a nil", function() client:spawn() end)
    raises("spawn: is a method", function() client.spawn(function() end) end)
    raises("wait: is a method: call task:wait", function() task.wait() end)
    raises("wait: 'timeout' must be a number", function() task:wait "5" end)
    raises("wait: 'timeout' must be a number", function() task:wait(-1) end)
    raises("cancel: is a method", function() task.cancel() end)
    raises("done: is a method", function() task.done() end)
    raises("on_done: needs a function, not a nil", function() task:on_done() end)
    raises("sleep: needs a number", function() client:sleep() end)
    raises("sleep: needs a number", function() client:sleep(0 / 0) end)
    raises("all: needs a list of functions, not a function", function() client:all(function() end) end)
    raises("all: item 2 of the list must be a function, not a table", function() client:all { print, {} } end)
    raises("all: the list of functions has a hole, or the key 'x'", function() client:all { print, x = print } end)
    raises("all: unknown option 'concurency'", function() client:all({}, { concurency = 1 }) end)
    raises("all: 'concurrency' must be a whole number", function() client:all({}, { concurrency = 0 }) end)
    raises("all: 'concurrency' must be a whole number", function() client:all({}, { concurrency = 1.5 }) end)
    client:close()
    raises("spawn: this client is closed", function() client:spawn(print) end)
    raises("all: this client is closed", function() client:all {} end)
  end)

  it("cannot run in a loop without `spawn`", function()
    local plain, loop = require "openhands.loop.plain", {}
    for name, value in pairs(plain) do loop[name] = value end
    loop.spawn = nil
    local client = openhands.new { api_key = "any", loop = loop }
    assert.error_matches(function() client:spawn(print) end, 'spawn: the loop "plain" runs no tasks')
    client:close()
  end)
end)

describe("openhands.spawn, all and sleep", function()
  it("use the client of the environment", function()
    for _, name in ipairs { "spawn", "all", "sleep" } do
      assert.equal("function", type(openhands[name]))
    end
  end)
end)
