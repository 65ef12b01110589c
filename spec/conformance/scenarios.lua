--- What every loop has to do, whatever host it is in: functions that need nothing of the host's, and raise when
-- something is otherwise than they say. Each gets a way to make clients, and the servers' addresses.
local core = require "openhands.core"

local function equal(expected, found, what)
  if expected ~= found then
    error(("%s: expected %s, found %s"):format(what or "value", tostring(expected), tostring(found)), 2)
  end
end

local function has_kind(kind, value, err)
  if value ~= nil or type(err) ~= "table" then
    error(("expected an error of kind %s, found %s, %s"):format(kind, tostring(value), tostring(err)), 2)
  end
  equal(kind, err.kind, tostring(err))
end

local function number(client, path)
  local answer, err = client:request { path = path }
  return answer and answer.number, err
end

local function concat(list)
  return table.concat(list, " ")
end

-- Lets others go on until something is so.
local function go_on_until(client, is_so)
  local ends_at = core.monotonic() + 10
  while not is_so() and core.monotonic() < ends_at do client:sleep(0.002) end
  if not is_so() then error("it never came", 2) end
end

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

scenario("tasks run beside each other", function(context)
  local client, tasks = context.client(), {}
  for i = 1, 30 do tasks[i] = client:spawn(number, client, "/ten/" .. i) end
  for i = 1, 30 do equal(i, tasks[i]:wait()) end
  equal(10, client:request({ path = "/most" }).number, "requests at a time") -- as many connections as a client has
end)

scenario("a task begins when whoever made it waits, and not before", function(context)
  local client, order = context.client(), {}
  local task = client:spawn(function(...) order[#order + 1] = concat { ... } end, "one", "two")
  equal(0, #order)
  equal(false, task:done())
  task:wait()
  equal("one two", order[1])
  equal(true, task:done())
end)

scenario("tasks give what their functions return", function(context)
  local client = context.client()
  local task = client:spawn(function() return 1, nil, 3, nil end)
  equal(4, select("#", task:wait()))
  local one, two, three = task:wait()
  equal("1 nil 3", ("%s %s %s"):format(one, tostring(two), three))
end)

scenario("sleepers wake in the order of their times, and others go on meanwhile", function(context)
  local client = context.client()
  local function sleepers()
    local order, tasks, latest, began = {}, {}, 0, core.monotonic()
    for i, seconds in ipairs { 0.09, 0.03, 0.06, 0 } do
      tasks[i] = client:spawn(function()
        equal(true, client:sleep(seconds))
        latest = math.max(latest, core.monotonic() - began - seconds) -- as late as it has begun, too
        order[#order + 1] = i
      end)
    end
    for _, task in ipairs(tasks) do assert(not select(2, task:wait())) end
    return concat(order), latest
  end
  local order, latest
  local rounds = 0
  repeat -- where the machine holds all up, two may be due at the same moment
    order, latest = sleepers()
    rounds = rounds + 1
  until latest < 0.02 or rounds == 50
  equal("4 2 3 1", order)
end)

scenario("an error reaches who waits for the task, with its traceback, and nobody else", function(context)
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

scenario("an error before the first wait of a task is caught too", function(context)
  local client = context.client()
  has_kind("raised", client:spawn(error, "at once"):wait())
  equal(2, number(client, "/now/2"))
end)

scenario("who listens for the end of a task is told, after it as well", function(context)
  local client, told = context.client(), {}
  local function listener(...)
    told[#told + 1] = ("%s %s"):format(tostring((...)), tostring((select(2, ...))))
    client:sleep(0) -- it is a task itself
    error "of the listener: nobody's"
  end
  local task = client:spawn(number, client, "/now/7")
  task:on_done(listener)
  equal(7, task:wait())
  task:on_done(listener)
  go_on_until(client, function() return #told >= 2 end)
  equal("nil 7 nil 7", concat(told))
  task = client:spawn(error, "bad")
  task:on_done(function(err) told[#told + 1] = err.kind end)
  task:wait()
  go_on_until(client, function() return #told >= 3 end)
  equal("raised", told[3])
end)

scenario("all run, so many at a time", function(context)
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

scenario("all go on when some fail, and the error has what each gave", function(context)
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

scenario("a wait for a task has a time of its own", function(context)
  local client = context.client()
  local task = client:spawn(number, client, "/slow/3")
  has_kind("timeout", task:wait(0))
  equal(3, task:wait(30))
end)

scenario("several wait for one task, and a task for a task", function(context)
  local client, list = context.client(), {}
  local task = client:spawn(number, client, "/slow/5")
  for i = 1, 5 do list[i] = function() return task:wait() end end
  equal("5 5 5 5 5", concat(assert(client:all(list))))
end)

scenario("cancelling ends an exchange at once, and nobody else's", function(context)
  local client, begun = context.client(), 0
  local function ask(path)
    begun = begun + 1
    return number(client, path)
  end
  local hung, other = client:spawn(ask, "/hung"), client:spawn(ask, "/hung") -- neither ends by itself
  go_on_until(client, function() return begun == 2 end)
  local in_flight = client._core:in_flight()
  equal(true, hung:cancel())
  equal(in_flight - 1, client._core:in_flight())
  has_kind("cancelled", hung:wait())
  equal(false, hung:cancel())
  equal(false, other:done())
  local good = client:spawn(ask, "/slow/1")
  go_on_until(client, function() return begun == 3 end)
  equal(true, other:cancel())
  has_kind("cancelled", other:wait())
  equal(1, good:wait())
  equal(0, client._core:in_flight())
end)

scenario("cancelling ends a sleep, a wait for a task, a wait for a conversation", function(context)
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

scenario("a sleep without end is ended by cancelling", function(context)
  local client = context.client()
  local tasks = { client:spawn(client.sleep, client, math.huge), client:spawn(client.sleep, client, 1e12) }
  client:sleep(0.02)
  for _, task in ipairs(tasks) do
    equal(true, task:cancel())
    has_kind("cancelled", task:wait())
  end
end)

scenario("a task that was cancelled before it began never does", function(context)
  local client, ran = context.client(), false
  local task = client:spawn(function() ran = true end)
  task:cancel()
  has_kind("cancelled", task:wait())
  equal(false, ran)
end)

scenario("a cancelled task is told once, then its calls raise", function(context)
  local client, calls, begun = context.client(), 0, false
  local task = client:spawn(function()
    begun = true
    while true do
      local _, err = client:sleep(1000)
      calls = calls + 1
      equal("cancelled", err.kind)
    end
  end)
  go_on_until(client, function() return begun end)
  task:cancel()
  has_kind("cancelled", task:wait())
  equal(1, calls)
end)

scenario("cancelling who waits for all cancels them", function(context)
  local client, tasks_seen = context.client(), 0
  local function hang()
    tasks_seen = tasks_seen + 1
    return number(client, "/hung")
  end
  local group = client:spawn(client.all, client, { hang, hang, hang }, { concurrency = 2 })
  go_on_until(client, function() return tasks_seen == 2 end)
  group:cancel()
  has_kind("cancelled", group:wait())
  go_on_until(client, function() return client._core:in_flight() == 0 end)
  equal(2, tasks_seen)
end)

scenario("a start that is cancelled on its way is ambiguous, and can be taken up", function(context)
  local client, other = context.client(), context.client()
  local before = number(other, "/starts")
  local task = client:spawn(function() return client:start { initial_user_msg = "x" } end)
  go_on_until(client, function() return number(other, "/starts") > before end) -- and never answers
  task:cancel()
  local value, err = task:wait()
  has_kind("ambiguous", value, err)
  equal("cancelled", err.cause)
  assert(err.conversation_id)
end)

scenario("deadlines hold while others go on", function(context)
  local client = context.client()
  local began, list = core.monotonic(), {}
  for i, path in ipairs { "/hung", "/drip", "/hung" } do
    list[i] = function()
      has_kind("timeout", client:request({ path = path }, { deadline = 0.1, retries = 0 }))
      return true
    end
  end
  list[4] = function() return number(client, "/slow/1") end
  assert(client:all(list))
  assert(core.monotonic() - began >= 0.1)
end)

scenario("nobody listens there", function(context)
  local client = context.client { base_url = context.refused, retries = 0 }
  has_kind("connect", client:request { path = "/now/1" })
end)

scenario("closing ends what everybody waits for", function(context)
  local client, other, tasks, begun = context.client(), context.client(), {}, 0
  local function begin(run, ...)
    begun = begun + 1
    return run(...)
  end
  for i = 1, 3 do tasks[i] = other:spawn(begin, number, client, "/hung") end
  tasks[4] = other:spawn(begin, client.sleep, client, 1000)
  local inner = client:spawn(begin, client.sleep, client, 1000)
  tasks[5] = other:spawn(begin, inner.wait, inner)
  go_on_until(other, function() return begun == 6 end)
  client:close()
  for _, task in ipairs(tasks) do has_kind("closed", task:wait()) end
  has_kind("closed", inner:wait())
  client:close()
  equal(1, number(other, "/now/1"))
end)

scenario("a task may close its own client", function(context)
  local client, other, begun = context.client(), context.client(), false
  local hung = other:spawn(function()
    begun = true
    return number(client, "/hung")
  end)
  local task = client:spawn(function()
    go_on_until(client, function() return begun end)
    client:close()
    return "closed"
  end)
  equal("closed", task:wait())
  has_kind("closed", hung:wait())
end)

scenario("everybody who waits for conversations shares one client's requests", function(context)
  local client, list = context.client { base_url = context.simulator }, {}
  for i = 1, 5 do
    local conversation = assert(client:start { initial_user_msg = "number " .. i })
    list[i] = function() return assert(client:wait(conversation, { interval = 0.01 })).state end
  end
  equal("finished finished finished finished finished", concat(assert(client:all(list))))
end)

scenario("first calls that run at once ask one question about the service", function(context)
  local asked = context.client():request({ path = "/questions" }).number
  local client, list = context.client { api = "auto" }, {}
  for i = 1, 20 do list[i] = function() return client:count() end end
  local counts = assert(client:all(list))
  for i = 1, 20 do equal(7, counts[i]) end
  equal(asked + 1, context.client():request({ path = "/questions" }).number, "questions")
end)

scenario("two clients go on at the same time", function(context)
  local one, two = context.client(), context.client()
  local task = one:spawn(number, one, "/slow/1")
  equal(2, number(two, "/slow/2"))
  equal(1, task:wait())
  task = one:spawn(number, two, "/slow/3")
  equal(3, task:wait())
end)

-- Whoever resumes such a coroutine knows nothing of the host: copas and cqueues can only say so.
scenario("a coroutine of a task's own waits, or is told that it cannot, and the others go on", function(context)
  local client, list, woken = context.client(), {}, 0
  for i = 1, 30 do
    list[2 * i - 1] = function()
      local sleep = coroutine.wrap(function()
        for _ = 1, 2 do
          local naps = 0
          repeat
            assert(client:sleep(0.001 * i))
            naps = naps + 1
          until woken == 30 or naps == 1000
          equal(30, woken, "others that had their turns")
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

scenario("a task that was dropped comes to its end by itself", function(context)
  local client, ended = context.client(), false
  client:spawn(function()
    number(client, "/slow/1")
    collectgarbage()
    ended = true
  end)
  collectgarbage()
  go_on_until(client, function() return ended end)
end)

return M
