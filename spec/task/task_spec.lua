-- What tasks do besides what spec/conformance asks of every loop: in virtual time, on the simulator's model.
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local in_process = require "spec.support.in_process"

local function started(options, count)
  local client, model = in_process.simulated(options or { api = "v1" })
  local list = {}
  for i = 1, count or 0 do
    list[i] = assert(client:start { initial_user_msg = "number " .. i })
  end
  return client, model, list
end

local function is_51() return _VERSION == "Lua 5.1" and not rawget(_G, "jit") end

describe("a task", function()
  it("takes the time that its sleeps take, together", function()
    local client, model = started()
    local before, tasks = model:time(), {}
    for i = 1, 10 do tasks[i] = client:spawn(client.sleep, client, 100 * i) end
    for _, task in ipairs(tasks) do assert.is_true(task:wait()) end
    assert.equal(1000, model:time() - before)
  end)

  it("is woken in the order in which those who wait for the same thing began to", function()
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

  it("is a coroutine in which others may have coroutines of their own", function()
    local client = started()
    local task = client:spawn(function()
      local told = {}
      local reader = coroutine.wrap(function()
        for i = 1, 3 do
          assert(client:sleep(1)) -- nobody yields to a reader who knows nothing of us
          coroutine.yield(i)
        end
      end)
      for i = 1, 3 do told[i] = reader() end
      return table.concat(told, " ")
    end)
    assert.equal("1 2 3", task:wait())
  end)

  if coroutine.isyieldable then -- else nobody can tell
    it("waits like the host where it cannot give way, and the others go on", function()
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

  if not is_51() then -- which cannot wait inside of pcall
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

  it("that waits for itself, or for one that waits for it, is told so", function()
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

  it("keeps an error of this library's as it is, with a traceback", function()
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

  it("that raises something that is no text has it in the error", function()
    local client, thing = started(), {}
    local _, err = client:spawn(error, thing):wait()
    assert.equal(thing, err.cause)
    assert.equal("raised", err.kind)
  end)

  it("tells the client's log when it raised, whoever waits", function()
    local lines = {}
    local client = openhands.new {
      transport = simulator.transport(simulator.model()), api_key = "any",
      log = function(line) lines[#lines + 1] = line end,
    }
    client:spawn(error, "into the log")
    client:sleep(1)
    assert.matches("a task has failed: .*into the log\nstack traceback", table.concat(lines))
  end)

  it("keeps nothing when it has ended and is dropped", function()
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

  it("says what it is", function()
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

  it("is asked for with what it takes", function()
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
    raises("all: number 2 is no function, but a table", function() client:all { print, {} } end)
    raises("all: the list of functions has a hole, or the key 'x'", function() client:all { print, x = print } end)
    raises("all: unknown option 'concurency'", function() client:all({}, { concurency = 1 }) end)
    raises("all: 'concurrency' must be a whole number", function() client:all({}, { concurrency = 0 }) end)
    raises("all: 'concurrency' must be a whole number", function() client:all({}, { concurrency = 1.5 }) end)
    client:close()
    raises("spawn: this client is closed", function() client:spawn(print) end)
    raises("all: this client is closed", function() client:all {} end)
  end)

  it("runs no tasks in a loop that has none", function()
    local plain, loop = require "openhands.loop.plain", {}
    for name, value in pairs(plain) do loop[name] = value end
    loop.spawn = nil
    local client = openhands.new { api_key = "any", loop = loop }
    assert.error_matches(function() client:spawn(print) end, 'spawn: the loop "plain" runs no tasks')
    client:close()
  end)
end)

describe("cancelling", function()
  it("who asks for many leaves the others' waits as they are", function()
    local client, model, list = started({ api = "v1" }, 6)
    local states, tasks = {}, {}
    for i, conversation in ipairs(list) do
      tasks[i] = client:spawn(function()
        local done, err = client:wait(conversation)
        states[i] = done and done.state or err.kind
      end)
    end
    local cancelled = 0
    while not states[6] do
      client:sleep(0.4)
      if cancelled < 5 then
        cancelled = cancelled + 1
        tasks[cancelled]:cancel()
      end
    end
    assert.same({ "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "finished" }, states)
    assert.equal(6, model:jobs())
  end)

  it("in the middle of a request that asks for many is nobody else's", function()
    local client, model, list = started({ api = "v1" }, 3)
    local transport, victim, states = client._settings.transport, nil, {}
    local request = transport.request
    local tasks = {}
    for i, conversation in ipairs(list) do
      tasks[i] = client:spawn(function()
        local done, err = client:wait(conversation)
        states[i] = done and done.state or err.kind
      end)
    end
    function transport.request(self, asked)
      local _, count = (asked.query or ""):gsub("ids=", "")
      if count == 3 and not victim then
        for i, task in ipairs(tasks) do
          victim = task._waits_for and task._waits_for.number and i or victim -- who asks for all three
        end
        tasks[victim]:cancel()
      end
      return request(self, asked)
    end
    for _, task in ipairs(tasks) do task:wait() end
    for i = 1, 3 do assert.equal(i == victim and "cancelled" or "finished", states[i]) end
    assert.equal(3, model:jobs())
  end)

  it("a retry's pause ends the call", function()
    local function unreachable() return { class = "connect", sent = false } end
    local client, requests = in_process.scripted(unreachable, { api = "v1" })
    local task = client:spawn(client.status, client, ("1"):rep(32))
    client:sleep(0.001)
    assert.equal(1, #requests)
    task:cancel()
    local _, err = task:wait()
    assert.equal("cancelled", err.kind)
    assert.equal(1, #requests)
  end)

  it("is no reason to look for a start that was not sent", function()
    local client, model = started { api = "v1" }
    local task = client:spawn(function()
      return client:start { initial_user_msg = "x" }
    end)
    task:cancel()
    local _, err = task:wait()
    assert.equal("cancelled", err.kind)
    assert.equal(0, model:jobs())
  end)

  it("a task that catches it and goes on raises again", function()
    local client = started()
    local calls = {}
    local task = client:spawn(function()
      calls[1] = select(2, client:sleep(10)).kind
      local good, err = pcall(client.sleep, client, 10)
      calls[2], calls[3] = good, err.kind
      good, err = pcall(client.status, client, ("1"):rep(32))
      calls[4], calls[5] = good, err.kind
      return "to its end"
    end)
    client:sleep(1)
    task:cancel()
    if is_51() then
      task:wait() -- pcall is in the way of nothing here: the calls raise before they wait
    end
    assert.equal("to its end", task:wait())
    assert.same({ "cancelled", false, "cancelled", false, "cancelled" }, calls)
  end)
end)

describe("what reviews have found of tasks:", function()
  it("short sleeps give way", function()
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

  it("one that waits inside of pcall harms nobody, also where Lua lets nothing give way there", function()
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

  it("one that is cancelled while its listener runs comes to its end", function()
    local server = simulator.spawn { pace = 0.05 }
    local client = openhands.new { base_url = server.address, api_key = "any", api = "v1", grace = 0.05 }
    local task
    task = client:spawn(function()
      return client:start({ initial_user_msg = "x" }, { on_progress = function() task:cancel() end })
    end)
    local conversation, err = task:wait(20)
    assert.is_truthy(conversation or err.kind == "ambiguous" or err.kind == "cancelled")
    assert.equal(0, client._core:in_flight())
    client:close()
    server:close()
  end)

  it("two that start the same conversation send it once", function()
    local client, model = started { api = "v1", client_ids = false }
    local id, list = openhands.uuid(), {}
    for i = 1, 3 do
      list[i] = function() return client:start { initial_user_msg = "x", conversation_id = id } end
    end
    client:all(list)
    local posts = 0
    for _, request in ipairs(model.requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(1, posts)
  end)

  it("who asks for all and dies does not hold the others up", function()
    local client, _, list = started({ api = "v1" }, 3)
    local raises, settings = true, client._settings
    settings.random = function()
      if raises then
        raises = false
        error "once"
      end
      return 0.5
    end
    local states = {}
    for i, conversation in ipairs(list) do
      client:spawn(function() states[i] = client:wait(conversation, { deadline = 1e6 }).state end)
    end
    client:sleep(120)
    local finished = 0
    for i = 1, 3 do finished = finished + (states[i] == "finished" and 1 or 0) end
    assert.is_true(finished >= 2)
  end)

  it("who wait for the same conversation share its end too", function()
    local client, model, list = started({ api = "v1" }, 1)
    local waits, states = {}, {}
    for i = 1, 30 do
      waits[i] = function()
        local done = assert(client:wait(list[1]))
        states[#states + 1] = done.state .. ": " .. done.answer
      end
    end
    local before = #model.requests
    client:all(waits)
    assert.equal(30, #states)
    for _, state in ipairs(states) do assert.equal(states[1], state) end
    assert.matches("^finished: ", states[1])
    assert.is_true(#model.requests - before < 30) -- of them two for its end
  end)

  it("what is raised may not be able to say what it is", function()
    local client = started()
    local thing = setmetatable({}, { __tostring = function() error "in tostring" end })
    local task = client:spawn(error, thing)
    client:sleep(1)
    local _, err = task:wait(0)
    assert.equal("raised", err.kind)
    assert.equal(thing, err.cause)
  end)

  it("no key stands in what they raise", function()
    local client = started()
    local _, err = client:spawn(function() error "it is sk-canary-0123456789" end):wait()
    assert.is_nil(tostring(err):find("canary", 1, true))
    assert.is_nil(err.traceback:find("canary", 1, true))
  end)

  it("all takes `nil, text` for a failure", function()
    local client = started()
    local results, err = client:all { function() return nil, "no file" end, function() return 2 end }
    assert.is_nil(results)
    assert.equal("no file", err.errors[1].cause)
    assert.equal(2, err.results[2])
  end)

  it("all that an error interrupts starts nothing more", function()
    local client, ran = started(), 0
    local list = {}
    for i = 1, 6 do
      list[i] = function()
        ran = ran + 1
        client:sleep(1)
      end
    end
    local transport = client._settings.transport
    local sleep = transport.sleep
    transport.sleep = function() error "interrupted!" end
    assert.error_matches(function() client:all(list, { concurrency = 1 }) end, "interrupted!")
    transport.sleep = sleep
    client:sleep(20)
    assert.equal(1, ran)
  end)

  it("a transport that nobody holds is collected, with its loop", function()
    local held = setmetatable({}, { __mode = "v" })
    local function use()
      local transport = simulator.transport(simulator.model())
      local client = openhands.new { transport = transport, api_key = "any" }
      client:spawn(client.sleep, client, 1):wait()
      held[1] = transport
    end
    use()
    collectgarbage()
    collectgarbage()
    assert.is_nil(held[1])
  end)

  it("one that yields by itself only gives way", function()
    local client = started()
    local task = client:spawn(function()
      coroutine.yield "to nobody"
      return "over"
    end)
    assert.equal("over", task:wait(1))
  end)

  it("one that was cancelled may leave what is to be done to another", function()
    local client, done = started(), false
    local task = client:spawn(function()
      client:sleep(100)
      client:spawn(function()
        client:sleep(1)
        done = true
      end)
    end)
    client:sleep(1)
    task:cancel()
    task:wait()
    client:sleep(2)
    assert.is_true(done)
  end)
end)

describe("openhands.spawn, all and sleep", function()
  it("are for the client from the environment", function()
    for _, name in ipairs { "spawn", "all", "sleep" } do
      assert.equal("function", type(openhands[name]))
    end
  end)
end)
