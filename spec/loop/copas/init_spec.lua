-- The loop "copas": clients in threads of copas', beside its servers. What is here runs on the old copas without timers
-- and on the new one. Debian's is for Lua 5.1, 5.2 and LuaJIT only; the others have one if LuaRocks has brought it.
local has_copas, copas = pcall(require, "copas")
if has_copas and not pcall(function() return copas.semaphore end) then -- Debian's copas 4 lacks modules
  return
elseif not has_copas then
  local of_debian = _VERSION == "Lua 5.1" or _VERSION == "Lua 5.2" -- LuaJIT calls itself 5.1
  assert(not of_debian or not copas:find("module 'copas' not found", 1, true), "copas is missing: install lua-copas")
  return
end

local core = require "openhands.core"
local simulator = require "openhands.simulator"
local sockets = require "socket"
local canary = require "spec.support.canary"
local processes = require "spec.support.processes"

local PATIENCE = 30 -- seconds until a spec that waits for nothing fails
local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

describe("in copas", function()
  local server, clients, pauses

  setup(function() server = simulator.spawn { pace = 0.001 } end)
  teardown(function() server:close() end)

  local function new_client(address, settings)
    local all = { loop = "copas", api = "v1" }
    for name, value in pairs(settings or {}) do all[name] = value end
    local client = canary.client({ address = address or server.address }, all)
    if clients then clients[#clients + 1] = client end
    return client
  end

  before_each(function()
    server:reset()
    clients = {}
    pauses = new_client() -- not every copas can pause by itself
  end)
  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    for _ = 1, 3 do copas.step(0) end
    clients = nil
    collectgarbage()
  end)

  local function step_until(is_so)
    local ends_at = core.monotonic() + PATIENCE
    while not is_so() do
      if core.monotonic() > ends_at then error("nothing happens", 2) end
      copas.step(0.1)
    end
  end

  -- Runs functions as threads, to their end; fails with what one of them raises.
  local function run(...)
    local running, problem = 0, nil
    for _, each in ipairs { ... } do
      running = running + 1
      copas.addthread(function()
        copas.setErrorHandler(function(what) problem = problem or what end)
        each()
        running = running - 1
      end)
    end
    step_until(function() return running == 0 or problem end)
    if problem then error(problem, 2) end
  end

  local function until_true(is_so)
    local ends_at = core.monotonic() + PATIENCE
    while not is_so() do
      if core.monotonic() > ends_at then error("nothing happens", 2) end
      pauses:sleep(0.001)
    end
  end

  -- All requests are read, and none is answered.
  local function hang() server:faults { { point = "after_read", action = "hang", count = -1 } } end

  local function until_read(count)
    until_true(function() return #server:requests() >= count end)
  end

  local function listen(handler)
    local listener = assert(sockets.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    copas.addserver(listener, handler)
    return tonumber(port), function()
      if copas.removeserver then
        copas.removeserver(listener)
      else
        listener:close()
      end
    end
  end

  -- A server of HTTP in the host itself: `answer(target)` gives the body of each answer, and may wait.
  local function serve(answer)
    local port, stop = listen(function(connection)
      local line = copas.receive(connection, "*l")
      while line do
        local header
        repeat header = copas.receive(connection, "*l") until not header or header == ""
        local body = answer(line:match "^%u+ (%S+)")
        copas.send(connection, head:format(#body) .. body)
        line = copas.receive(connection, "*l")
      end
      connection:close()
    end)
    return "http://127.0.0.1:" .. ("%d"):format(port), stop
  end

  it("what copas itself lets wait waits in tasks too", function()
    local client = new_client()
    local port, stop = listen(function(connection)
      copas.send(connection, copas.receive(connection, "*l") .. "\n")
      copas.receive(connection, "*l")
      connection:close()
    end)
    local results
    run(function()
      local semaphore = copas.semaphore and copas.semaphore.new(1, 0, PATIENCE)
      local works = {}
      works[1] = function()
        local connection = sockets.tcp()
        assert(copas.connect(connection, "127.0.0.1", port))
        copas.send(connection, "echo\n")
        local line, problem = copas.receive(connection, "*l")
        if semaphore then -- one that knows timers, too
          copas.settimeouts(connection, nil, nil, 0.01)
          problem = select(2, copas.receive(connection, "*l"))
          semaphore:give(1)
        end
        connection:close()
        return line .. " " .. (problem or "timeout")
      end
      works[2] = function() return semaphore and semaphore:take(1) or not semaphore end
      results = assert(client:all(works))
    end)
    stop()
    assert.are.same({ "echo timeout", true }, results)
  end)

  it("a server's handler calls between receiving and sending, and keeps its connection", function()
    local client = new_client()
    local port, stop = listen(function(connection)
      for _ = 1, 3 do
        local line = copas.receive(connection, "*l")
        local conversation = assert(client:start { initial_user_msg = line })
        local done = assert(conversation:wait { timeout = 20, interval = 0.01 })
        copas.send(connection, line .. " " .. done.state .. "\n")
      end
      connection:close()
    end)
    local answers = {}
    local function visit(name)
      return function()
        local connection = sockets.tcp()
        assert(copas.connect(connection, "127.0.0.1", port))
        for number = 1, 3 do
          copas.send(connection, name .. number .. "\n")
          local answer = copas.receive(connection, "*l")
          answers[#answers + 1] = answer
        end
        local rest, problem = copas.receive(connection, "*l")
        assert.is_nil(rest)
        assert.are.equal("closed", problem)
        connection:close()
      end
    end
    run(visit "a", visit "b", visit "c")
    stop()
    table.sort(answers)
    assert.are.same({
      "a1 finished", "a2 finished", "a3 finished", "b1 finished", "b2 finished", "b3 finished",
      "c1 finished", "c2 finished", "c3 finished",
    }, answers)
  end)

  it("servers and their visitors go on while somebody waits", function()
    local client = new_client()
    local port, stop = listen(function(connection)
      local line = copas.receive(connection, "*l")
      while line do
        copas.send(connection, line .. "\n")
        line = copas.receive(connection, "*l")
      end
      connection:close()
    end)
    local echoes, err = 0, nil
    hang()
    run(function()
      err = select(2, client:me())
    end, function()
      until_read(1)
      local connection = sockets.tcp()
      assert(copas.connect(connection, "127.0.0.1", port))
      for number = 1, 50 do
        copas.send(connection, number .. "\n")
        assert.are.equal(tostring(number), copas.receive(connection, "*l"))
        echoes = echoes + 1
      end
      connection:close()
      client:close()
    end)
    stop()
    assert.are.equal(50, echoes)
    assert.are.equal("closed", err.kind)
  end)

  it("calls of fifty threads overlap", function()
    local slow, batches, answered = 0, 0, 0
    -- Nobody is answered before as many ask as a client has connections.
    local address, stop = serve(function(target)
      local batch = batches
      slow = slow + 1
      if slow == 10 then slow, batches = 0, batches + 1 end
      until_true(function() return batches > batch end)
      return ('{"target": "%s"}'):format(target)
    end)
    local client, threads = new_client(address), {}
    for index = 1, 50 do
      threads[index] = function()
        local answer = assert(client:request { path = "/api/" .. index })
        assert.are.equal("/api/" .. index, answer.target)
        answered = answered + 1
      end
    end
    run((table.unpack or unpack)(threads)) -- luacheck: ignore 143
    stop()
    assert.are.equal(50, answered)
    assert.are.equal(5, batches)
  end)

  it("a task that is cancelled in a call is told, and nobody else", function()
    local client = new_client()
    local err, other, again
    hang()
    run(function()
      local task = client:spawn(function()
        local _, problem = client:me()
        again = { pcall(client.me, client) }
        return nil, problem
      end)
      other = client:spawn(function() return client:me() end)
      until_read(2)
      assert.are.equal(2, client._core:in_flight())
      task:cancel()
      err = select(2, task:wait())
      assert.are.equal(1, client._core:in_flight())
      assert.is_false(other:done())
      client:close()
      other:wait()
    end)
    assert.are.equal("cancelled", err.kind)
    assert.is_false(again[1])
    assert.are.equal("closed", select(2, other:wait()).kind)
  end)

  it("a sleeping task is cancelled from outside of every thread", function()
    local client = new_client()
    local slept, begun
    local task = client:spawn(function()
      begun = true
      slept = { client:sleep(1000) }
    end)
    step_until(function() return begun end)
    assert.is_true(task:cancel())
    task:wait()
    assert.are.equal("cancelled", slept[2].kind)
  end)

  it("an error in a thread of the host's leaves the others their calls", function()
    local client = new_client()
    local problem, account
    copas.addthread(function()
      copas.setErrorHandler(function(what) problem = what end)
      client:sleep(0.001)
      error "the host's own"
    end)
    run(function()
      assert(client:me())
      until_true(function() return problem end)
      account = assert(client:me())
    end)
    assert.is_truthy(tostring(problem):find("the host's own", 1, true))
    assert.is_truthy(account)
  end)

  it("whoever waits in vain goes on at their deadline", function()
    local client = new_client()
    local task, early, late
    hang()
    run(function()
      task = client:spawn(function() return client:me { timeout = 0.2, retries = 0 } end)
      early = select(2, task:wait(0.02))
      assert.is_false(task:done())
      late = select(2, task:wait())
    end)
    assert.are.equal("timeout", early.kind)
    assert.are.equal("timeout", late.kind)
  end)

  it("whoever begins to wait at the very moment of their deadline goes on too", function()
    local loop = require "openhands.loop.copas"
    local now = loop.now
    loop.now = function() return now() - 0.02 end -- the time is over while the clock of all begins to look
    local client, slept = new_client(), nil
    run(function() slept = client:sleep(0.01) end)
    loop.now = now
    assert.is_true(slept)
  end)

  it("closing in the middle lets everybody go, and leaves no descriptor behind", function()
    collectgarbage()
    run(function() pauses:sleep(0.001) end)
    local before = processes.descriptors()
    local client, kinds, threads = new_client(), {}, {}
    hang()
    for index = 1, 20 do
      threads[index] = function()
        local _, err
        if index % 2 == 0 then
          _, err = client:me()
        else
          _, err = client:sleep(1000)
        end
        kinds[#kinds + 1] = err.kind
      end
    end
    threads[21] = function()
      until_read(10)
      client:close()
      client:close()
    end
    run((table.unpack or unpack)(threads)) -- luacheck: ignore 143
    assert.are.equal(20, #kinds)
    for _, kind in ipairs(kinds) do assert.are.equal("closed", kind) end
    assert.are.equal(before, processes.descriptors())
  end)

  it("a closed client's tasks can still be waited for, also by their deadline", function()
    local client = new_client()
    local value, err
    run(function()
      local task = client:spawn(function()
        repeat pauses:sleep(0.001) until err
        return "over"
      end)
      pauses:sleep(0.001)
      client:close()
      err = select(2, task:wait(0.001))
      value = task:wait()
    end)
    assert.are.equal("timeout", err.kind)
    assert.are.equal("over", value)
  end)

  it("what a closed or collected client watched is free for others", function()
    local held = setmetatable({}, { __mode = "v" })
    local count = 0
    local function use(close)
      local client = canary.client(server, { loop = "copas", api = "v1" })
      assert(client:me())
      held[1], count = client, count + 1
      if close then client:close() end
    end
    for turn = 1, 20 do
      run(function() use(turn % 2 == 0) end)
      collectgarbage()
      collectgarbage()
      assert.is_nil(held[1])
    end
    assert.are.equal(20, count)
  end)

  it("an idle client is collected without a step of the host's", function()
    local held = setmetatable({}, { __mode = "v" })
    local function use()
      local client = canary.client(server, { loop = "copas", api = "v1" })
      assert(client:me())
      held[1] = client
    end
    use()
    collectgarbage()
    collectgarbage()
    assert.is_nil(held[1])
  end)

  it("one that somebody waits on is not", function()
    local account
    run(function()
      account = assert(canary.client(server, { loop = "copas", api = "v1" }):me())
    end, function()
      until_true(function()
        collectgarbage()
        return account
      end)
    end)
    assert.is_truthy(account)
  end)

  it("nothing is left for copas to do when nobody waits any more", function()
    if not copas.finished then return end -- the old one never ends
    local client, finished = new_client(), nil
    hang()
    run(function()
      local task = client:spawn(function() return client:me() end)
      until_read(1)
      task:cancel()
      task:wait()
      client:sleep(0.001)
      local sleeping = client:spawn(function() client:sleep(1000) end)
      client:sleep(0.001)
      sleeping:cancel()
      sleeping:wait()
    end)
    for _ = 1, 100 do
      finished = copas.finished()
      if finished then break end
      copas.step(0)
    end
    assert.is_true(finished)
  end)

  it("where nothing can wait, a call says so before it sends anything", function()
    if not coroutine.isyieldable then return end -- these cannot know, and Lua itself raises something
    local client = new_client()
    local good, problem
    run(function()
      good, problem = pcall(table.sort, { 1, 2 }, function() client:me() end)
    end)
    assert.is_false(good)
    assert.is_truthy(tostring(problem):find("inside a C function", 1, true), problem)
    assert.are.equal(0, #server:requests())
  end)

  it("goes on, if more slowly, where select cannot watch the descriptors", function()
    local child = processes.child(([[
      require("socket")._SETSIZE = 0
      local copas = require "copas"
      local client = require("openhands").new { base_url = %q, api_key = "k", loop = "copas", api = "v1" }
      local ended = 0
      for _ = 1, 3 do
        copas.addthread(function()
          assert(client:me())
          assert(client:sleep(0.02))
          assert(client:me())
          ended = ended + 1
        end)
      end
      for _ = 1, 100000 do
        if ended == 3 then break end
        copas.step(0.1)
      end
      assert(client:me())
      print(ended)
    ]]):format(server.address))
    assert.are.equal("", child.errors)
    assert.are.equal("3\n", child.output)
  end)

  it("the example runs to its end", function()
    local child = processes.child [[
      local getenv = os.getenv
      os.getenv = function(name) return not name:find "^OPENHANDS" and getenv(name) or nil end -- never the service
      arg = {}
      dofile "examples/copas.lua"
    ]]
    assert.are.equal("", child.errors)
    assert.are.equal(0, child.code)
    local _, finished = child.output:gsub("%-> finished: ", "")
    assert.are.equal(2, finished, child.output)
    assert.is_truthy(child.output:find("Explain main.c. [simulate: error] -> failed: ", 1, true), child.output)
  end)

  describe("outside of threads", function()
    it("threads go on while the process waits", function()
      local client = new_client()
      local turns = 0
      copas.addthread(function()
        while turns < 5 do
          pauses:sleep(0.001)
          turns = turns + 1
        end
      end)
      assert(client:me())
      assert.is_true(client:sleep(0.001))
      assert.are.equal("finished", assert(client:run(fields, { interval = 0.01 })).state)
      assert.are.equal("over", client:spawn(function()
        until_true(function() return turns == 5 end)
        return "over"
      end):wait())
    end)
  end)
end)

-- The core's part in it: an alarm that the descriptor tells of.
describe("the alarm of a core", function()
  local handle

  before_each(function() handle = core.new { base_url = "http://127.0.0.1" } end)
  after_each(function() handle:close() end)

  local function is_readable()
    local object = { getfd = function() return handle:pollfd() end, dirty = function() return false end }
    return sockets.select({ object }, nil, 0)[1] ~= nil
  end

  it("makes the descriptor readable, and ends with a step", function()
    assert.is_false(is_readable())
    local set_at = core.monotonic()
    handle:alarm(0.02)
    local left = handle:timeout()
    assert.is_true(left <= 0.02 and left >= math.min(0.02 - (core.monotonic() - set_at), 0.02) - 1e-6, left)
    local object = { getfd = function() return handle:pollfd() end, dirty = function() return false end }
    assert.are.equal(object, sockets.select({ object }, nil, PATIENCE)[1])
    assert.are.equal(0, handle:timeout())
    assert.is_true(is_readable())
    handle:step(0)
    assert.is_nil(handle:timeout())
    assert.is_false(is_readable())
  end)

  it("of an earlier wish is replaced, and taken back", function()
    handle:pollfd()
    handle:alarm(0)
    assert.is_true(is_readable())
    handle:alarm(1000)
    assert.is_false(is_readable())
    assert.is_true(handle:timeout() > 900)
    handle:alarm(0)
    handle:alarm()
    assert.is_false(is_readable())
    assert.is_nil(handle:timeout())
  end)

  it("set before anybody watches rings too", function()
    handle:alarm(0)
    assert.is_true(is_readable())
  end)

  it("rings while a step waits, too", function()
    handle:alarm(0.001)
    handle:step(0.1)
    assert.is_nil(handle:timeout())
  end)

  it("takes a number of seconds, and nothing else", function()
    for _, wrong in ipairs { -1, 0 / 0, math.huge, "soon", true, {} } do
      assert.is_false(pcall(handle.alarm, handle, wrong))
    end
    handle:close()
    assert.is_false(pcall(handle.alarm, handle, 1))
  end)
end)
