--- Scenarios that every loop must pass: functions that use nothing of the host, and raise if a check fails.
-- Each gets a function that makes clients, and the addresses of the servers.
local checks = require "spec.conformance.checks"
local core = require "openhands.core"

local equal, has_kind, wait_until = checks.equal, checks.has_kind, checks.wait_until

local function number(client, path)
  local answer, err = client:request { path = path }
  return answer and answer.number, err
end

local function concat(list) return table.concat(list, " ") end

local M = {}

local function scenario(name, run)
  M[#M + 1] = { name = name, run = run }
end

scenario("a workflow reads as if it blocked", function(context)
  local client = context.client { base_url = context.simulator }
  local conversation = assert(client:start { initial_user_msg = "Fix the typo." })
  equal("starting", conversation.state)
  local done = assert(client:wait(conversation, { interval = 0.01 }))
  equal("finished", done.state)
  local count = 0
  local events = done:events()
  while assert(events:next() or true) ~= true do count = count + 1 end
  assert(count > 0, "no events")
end)

scenario("tasks run concurrently", function(context)
  local client, tasks = context.client { connections = 10 }, {}
  for i = 1, 30 do tasks[i] = client:spawn(number, client, "/ten/" .. i) end
  for i = 1, 30 do equal(i, tasks[i]:wait()) end
  equal(10, client:request({ path = "/most" }).number, "requests at a time")
end)

scenario("a long answer is read while other tasks go on", function(context)
  local client = context.client()
  local task = client:spawn(function() return client:request { path = "/long" } end)
  wait_until(client, function() return client:_is_reading() end)
  local list = assert(task:wait())
  equal("60000 60000", concat { #list, list[60000].number })
  equal(false, client:_is_reading())
end)

scenario("a task starts when its spawner waits, and not before", function(context)
  local client, order = context.client(), {}
  local task = client:spawn(function(...) order[#order + 1] = concat { ... } end, "one", "two")
  equal(0, #order)
  equal(false, task:done())
  task:wait()
  equal("one two", order[1])
  equal(true, task:done())
end)

scenario("a task returns what its function returns", function(context)
  local client = context.client()
  local task = client:spawn(function() return 1, nil, 3, nil end)
  equal(4, select("#", task:wait()))
  local one, two, three = task:wait()
  equal("1 nil 3", ("%s %s %s"):format(one, tostring(two), three))
end)

scenario("sleeping tasks wake in the order of their deadlines, and others go on meanwhile", function(context)
  local client = context.client()
  local function sleepers()
    local order, tasks, latest, started_at = {}, {}, 0, core.monotonic()
    for i, seconds in ipairs { 0.09, 0.03, 0.06, 0 } do
      tasks[i] = client:spawn(function()
        equal(true, client:sleep(seconds))
        latest = math.max(latest, core.monotonic() - started_at - seconds) -- includes how late it has started
        order[#order + 1] = i
      end)
    end
    for _, task in ipairs(tasks) do assert(not select(2, task:wait())) end
    return concat(order), latest
  end
  local order, latest
  local rounds = 0
  repeat -- on a busy machine two may be due at the same time
    order, latest = sleepers()
    rounds = rounds + 1
  until latest < 0.02 or rounds == 50
  equal("4 2 3 1", order)
end)

scenario("an error is returned to the waiter of the task, with its traceback, and to no other", function(context)
  local client = context.client()
  local function broken() client:sleep(0.001) error "oops" end
  local bad, good = client:spawn(broken), client:spawn(number, client, "/slow/1")
  equal(1, good:wait())
  local value, err = bad:wait()
  has_kind("raised", value, err)
  assert(err.cause:find "scenarios.lua:%d+: oops$", err.cause)
  assert(err.traceback:find "scenarios.lua", err.traceback)
  value, err = client:spawn(function() return assert(nil, (select(2, bad:wait()))) end):wait()
  equal(nil, value)
  equal("raised", err.kind)
end)

scenario("an error before the first wait of a task is caught, too", function(context)
  local client = context.client()
  has_kind("raised", client:spawn(error, "at once"):wait())
  equal(2, number(client, "/now/2"))
end)

scenario("a listener is called at the end of a task, or at once after it", function(context)
  local client, told = context.client(), {}
  local function listener(...)
    told[#told + 1] = ("%s %s"):format(tostring((...)), tostring((select(2, ...))))
    client:sleep(0) -- it is a task itself
    error "of the listener: is only logged"
  end
  local task = client:spawn(number, client, "/now/7")
  task:on_done(listener)
  equal(7, task:wait())
  task:on_done(listener)
  wait_until(client, function() return #told >= 2 end)
  equal("nil 7 nil 7", concat(told))
  task = client:spawn(error, "bad")
  task:on_done(function(err) told[#told + 1] = err.kind end)
  task:wait()
  wait_until(client, function() return #told >= 3 end)
  equal("raised", told[3])
end)

scenario("all runs no more at a time than allowed", function(context)
  local client, running, most, list = context.client(), 0, 0, {}
  for i = 1, 9 do
    list[i] = function()
      running = running + 1
      most = math.max(most, running)
      client:sleep(0.005)
      running = running - 1
      return i
    end
  end
  equal("1 2 3 4 5 6 7 8 9", concat(assert(client:all(list, { concurrency = 4 }))))
  equal(4, most)
  equal(0, #assert(client:all {}))
end)

scenario("all goes on when some fail, and its error has all results and errors", function(context)
  local client = context.client()
  local results, err = client:all {
    function() return number(client, "/slow/1") end,
    function() error "two" end,
    function() return client:status "not-known-to-v1" end,
    function() return number(client, "/now/4") end,
  }
  has_kind("raised", results, err)
  equal("1 4", err.results[1] .. " " .. err.results[4])
  equal("raised", err.errors[2].kind)
  assert(err.errors[3].kind and not err.errors[1] and not err.errors[4])
end)

scenario("a wait for a task has a timeout of its own", function(context)
  local client = context.client()
  local task = client:spawn(number, client, "/slow/3")
  has_kind("timeout", task:wait(0))
  equal(3, task:wait(30))
end)

scenario("several tasks may wait for one", function(context)
  local client, list = context.client(), {}
  local task = client:spawn(number, client, "/slow/5")
  for i = 1, 5 do list[i] = function() return task:wait() end end
  equal("5 5 5 5 5", concat(assert(client:all(list))))
end)

scenario("cancelling aborts the exchange of that task at once, and no other", function(context)
  local client, started = context.client(), 0
  local function ask(path)
    started = started + 1
    return number(client, path)
  end
  local hung, other = client:spawn(ask, "/hung"), client:spawn(ask, "/hung") -- neither ends by itself
  wait_until(client, function() return started == 2 end)
  local in_flight = client._core:in_flight()
  equal(true, hung:cancel())
  equal(in_flight - 1, client._core:in_flight())
  has_kind("cancelled", hung:wait())
  equal(false, hung:cancel())
  equal(false, other:done())
  local good = client:spawn(ask, "/slow/1")
  wait_until(client, function() return started == 3 end)
  equal(true, other:cancel())
  has_kind("cancelled", other:wait())
  equal(1, good:wait())
  equal(0, client._core:in_flight())
end)

scenario("cancelling ends a sleep, a wait for a task, and a wait for a conversation", function(context)
  local client = context.client { base_url = context.simulator }
  local conversation = assert(client:start { initial_user_msg = "[simulate: never-ready] x" })
  local sleeper = client:spawn(client.sleep, client, 1000)
  local waiter = client:spawn(sleeper.wait, sleeper)
  local watcher = client:spawn(client.wait, client, conversation)
  local other = client:spawn(client.wait, client, conversation, { timeout = 0.3, interval = 0.02 })
  client:sleep(0.05)
  for _, task in ipairs { waiter, watcher, sleeper } do
    equal(false, task:done())
    task:cancel()
    has_kind("cancelled", task:wait())
  end
  has_kind("timeout", other:wait())
end)

scenario("cancelling ends a sleep without end", function(context)
  local client = context.client()
  local tasks = { client:spawn(client.sleep, client, math.huge), client:spawn(client.sleep, client, 1e12) }
  client:sleep(0.02)
  for _, task in ipairs(tasks) do
    equal(true, task:cancel())
    has_kind("cancelled", task:wait())
  end
end)

scenario("a task that is cancelled before its start never starts", function(context)
  local client, ran = context.client(), false
  local task = client:spawn(function() ran = true end)
  task:cancel()
  has_kind("cancelled", task:wait())
  equal(false, ran)
end)

scenario("a cancelled task gets one error, then its calls raise", function(context)
  local client, calls, started = context.client(), 0, false
  local task = client:spawn(function()
    started = true
    while true do
      local _, err = client:sleep(1000)
      calls = calls + 1
      equal("cancelled", err.kind)
    end
  end)
  wait_until(client, function() return started end)
  task:cancel()
  has_kind("cancelled", task:wait())
  equal(1, calls)
end)

scenario("cancelling all cancels the tasks of the group", function(context)
  local client, tasks_seen = context.client(), 0
  local function hang()
    tasks_seen = tasks_seen + 1
    return number(client, "/hung")
  end
  local group = client:spawn(client.all, client, { hang, hang, hang }, { concurrency = 2 })
  wait_until(client, function() return tasks_seen == 2 end)
  group:cancel()
  has_kind("cancelled", group:wait())
  wait_until(client, function() return client._core:in_flight() == 0 end)
  equal(2, tasks_seen)
end)

scenario("a start that is cancelled while it is sent is ambiguous, and can be resumed", function(context)
  local client, other = context.client(), context.client()
  local before = number(other, "/starts")
  local task = client:spawn(function() return client:start { initial_user_msg = "x" } end)
  wait_until(client, function() return number(other, "/starts") > before end) -- never answered
  task:cancel()
  local value, err = task:wait()
  has_kind("ambiguous", value, err)
  equal("cancelled", err.cause)
  assert(err.conversation_id)
end)

scenario("deadlines are kept while others go on", function(context)
  local client = context.client()
  local started_at, list = core.monotonic(), {}
  for i, path in ipairs { "/hung", "/drip", "/hung" } do
    list[i] = function()
      has_kind("timeout", client:request({ path = path }, { deadline = 0.1, retries = 0 }))
      return true
    end
  end
  list[4] = function() return number(client, "/slow/1") end
  assert(client:all(list))
  assert(core.monotonic() - started_at >= 0.1)
end)

scenario("a port where nothing listens gives an error", function(context)
  local client = context.client { base_url = context.refused, retries = 0 }
  has_kind("connect", client:request { path = "/now/1" })
end)

scenario("closing a client ends all waits on it", function(context)
  local client, other, tasks, started = context.client(), context.client(), {}, 0
  local function counted(run, ...)
    started = started + 1
    return run(...)
  end
  for i = 1, 3 do tasks[i] = other:spawn(counted, number, client, "/hung") end
  tasks[4] = other:spawn(counted, client.sleep, client, 1000)
  local inner = client:spawn(counted, client.sleep, client, 1000)
  tasks[5] = other:spawn(counted, inner.wait, inner)
  wait_until(other, function() return started == 6 end)
  client:close()
  for _, task in ipairs(tasks) do has_kind("closed", task:wait()) end
  has_kind("closed", inner:wait())
  client:close()
  equal(1, number(other, "/now/1"))
end)

scenario("a task may close its own client", function(context)
  local client, other, started = context.client(), context.client(), false
  local hung = other:spawn(function()
    started = true
    return number(client, "/hung")
  end)
  local task = client:spawn(function()
    wait_until(client, function() return started end)
    client:close()
    return "closed"
  end)
  equal("closed", task:wait())
  has_kind("closed", hung:wait())
end)

scenario("all that wait for conversations share one client's requests", function(context)
  local client, list = context.client { base_url = context.simulator }, {}
  for i = 1, 5 do
    local conversation = assert(client:start { initial_user_msg = "number " .. i })
    list[i] = function() return assert(client:wait(conversation, { interval = 0.01 })).state end
  end
  equal("finished finished finished finished finished", concat(assert(client:all(list))))
end)

scenario("concurrent first calls ask for the dialect once", function(context)
  local asked = context.client():request({ path = "/questions" }).number
  local client, list = context.client { api = "auto" }, {}
  for i = 1, 20 do list[i] = function() return client:count() end end
  local counts = assert(client:all(list))
  for i = 1, 20 do equal(7, counts[i]) end
  equal(asked + 1, context.client():request({ path = "/questions" }).number, "questions")
end)

scenario("two clients run at the same time", function(context)
  local one, two = context.client(), context.client()
  local task = one:spawn(number, one, "/slow/1")
  equal(2, number(two, "/slow/2"))
  equal(1, task:wait())
  task = one:spawn(number, two, "/slow/3")
  equal(3, task:wait())
end)

-- The resumer of such a coroutine is not the host: copas and cqueues can only refuse the wait.
scenario("a coroutine created by a task waits, or gets an error, and the others go on", function(context)
  local client, list, woken = context.client(), {}, 0
  for i = 1, 30 do
    list[2 * i - 1] = function()
      local sleep = coroutine.wrap(function()
        for _ = 1, 2 do
          local sleeps = 0
          repeat
            assert(client:sleep(0.001 * i))
            sleeps = sleeps + 1
          until woken == 30 or sleeps == 1000
          equal(30, woken, "other tasks that ran")
          coroutine.yield(i)
        end
      end)
      return sleep() + sleep()
    end
    list[2 * i] = function()
      client:sleep(0.01)
      woken = woken + 1
      return true
    end
  end
  local refused = context.loop == "copas" or context.loop == "cqueues"
  local results, err = client:all(list)
  equal(30, woken)
  for i = 1, 30 do
    if refused then
      has_kind("raised", results, err)
      assert(err.errors[2 * i - 1].cause:find "scenarios.lua:%d+: openhands.sleep: ", err.errors[2 * i - 1].cause)
    else
      equal(2 * i, assert(results, err)[2 * i - 1])
    end
  end
end)

scenario("a task that nothing holds runs to its end", function(context)
  local client, ended = context.client(), false
  client:spawn(function()
    number(client, "/slow/1")
    collectgarbage()
    ended = true
  end)
  collectgarbage()
  wait_until(client, function() return ended end)
end)
M[#M + 1] = require "spec.conformance.fleet"
return M
