-- The loop "cqueues": clients in controllers of cqueues, beside what else these run. Debian's cqueues is for Lua 5.1 to
-- 5.4 and LuaJIT; a newer Lua has one if LuaRocks has brought it.
if _VERSION == "Lua 5.5" and not pcall(require, "cqueues") then
  print("skipped: cqueues, which is not installed for Lua 5.5")
  return
end

local ascii = require "openhands.ascii"
local cqueues = require "cqueues"
local conditions = require "cqueues.condition"
local simulator = require "openhands.simulator"
local sockets = require "cqueues.socket"
local canary = require "spec.support.canary"
local processes = require "spec.support.processes"

local PATIENCE = 30 -- seconds until a spec that waits for nothing fails
local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

describe("in cqueues", function()
  local server, clients

  setup(function() server = simulator.spawn { pace = 0.001 } end)
  teardown(function() server:close() end)
  before_each(function()
    server:reset()
    clients = {}
  end)
  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    clients = nil
    collectgarbage()
  end)

  local function new_client(address, settings)
    local all = { loop = "cqueues", api = "v1" }
    for name, value in pairs(settings or {}) do all[name] = value end
    local client = canary.client({ address = address or server.address }, all)
    clients[#clients + 1] = client
    return client
  end

  -- Runs functions as coroutines of one controller, to their end.
  local function run(...)
    local controller = cqueues.new()
    for _, each in ipairs { ... } do controller:wrap(each) end
    local good, problem = controller:loop(PATIENCE)
    if not good then error(problem, 2) end
    assert.is_true(controller:empty(), "something has not ended")
  end

  -- All requests are read, and none is answered.
  local function hang() server:faults { { point = "after_read", action = "hang", count = -1 } } end

  -- Lets others go on until the server has got so many requests.
  local function until_read(count)
    for _ = 1, 10000 do
      if #server:requests() >= count then return end
      cqueues.sleep(0.001)
    end
    error "nothing is sent"
  end

  local function until_true(is_so)
    for _ = 1, 10000 do
      if is_so() then return end
      cqueues.sleep(0.001)
    end
    error "nothing happens"
  end

  local function read_request(connection)
    local line = connection:read "*l"
    local length = 0
    local header = line and connection:read "*l"
    while header and not header:find "^\r?$" do
      length = tonumber(ascii.lower(header):match "^content%-length:%s*(%d+)") or length
      header = connection:read "*l"
    end
    if length > 0 then connection:read(length) end
    return header and line:match "^%u+ (%S+)"
  end

  -- A server in the host itself: `answer(target)` gives the body of each answer, and may wait.
  local function serve(controller, answer)
    local listener = sockets.listen { host = "127.0.0.1", port = 0 }
    local _, _, port = listener:localname()
    controller:wrap(function()
      local connection = listener:accept()
      while connection do
        local accepted = connection
        accepted:setmode("b", "bn")
        controller:wrap(function()
          local target = read_request(accepted)
          while target do
            local body = answer(target)
            accepted:write(head:format(#body), body)
            accepted:flush()
            target = read_request(accepted)
          end
          accepted:close()
        end)
        connection = listener:accept()
      end
    end)
    return "http://127.0.0.1:" .. ("%d"):format(port), function() listener:close() end
  end

  local function step_until(controller, is_so)
    local ends_at = cqueues.monotime() + PATIENCE
    while not is_so() do
      if cqueues.monotime() > ends_at then error("nothing happens", 2) end
      local good, problem = controller:step(0.1)
      if not good then error(problem, 2) end
    end
  end

  it("other coroutines go on meanwhile", function()
    local client = new_client()
    local ticks, err = 0
    hang()
    run(function()
      local _
      _, err = client:me()
    end, function()
      until_read(1)
      for _ = 1, 20 do
        cqueues.sleep(0.001)
        ticks = ticks + 1
      end
      client:close()
    end)
    assert.are.equal(20, ticks)
    assert.are.equal("closed", err.kind)
  end)

  it("calls of fifty coroutines overlap", function()
    local controller = cqueues.new()
    local slow, batches, changed = 0, 0, conditions.new()
    -- Nobody is answered before as many ask as a client has connections.
    local address, stop = serve(controller, function(target)
      slow = slow + 1
      if slow == 10 then
        slow, batches = 0, batches + 1
        changed:signal()
      else
        local batch = batches
        while batches == batch do changed:wait() end
      end
      return ('{"target": "%s"}'):format(target)
    end)
    local answered = 0
    local client = new_client(address)
    for index = 1, 50 do
      controller:wrap(function()
        local answer = assert(client:request { path = "/api/" .. index })
        assert.are.equal("/api/" .. index, answer.target)
        answered = answered + 1
        if answered == 50 then
          client:close()
          stop()
        end
      end)
    end
    step_until(controller, function() return answered == 50 end)
    assert.are.equal(5, batches)
  end)

  it("a task that is cancelled in a call is told, and nobody else", function()
    local client = new_client()
    local err, others, again
    hang()
    run(function()
      local task = client:spawn(function()
        local _, problem = client:me()
        again = { pcall(client.me, client) }
        return nil, problem
      end)
      local other = client:spawn(function() return client:me() end)
      until_read(2)
      assert.are.equal(2, client._core:in_flight())
      task:cancel()
      local _
      _, err = task:wait()
      assert.are.equal(1, client._core:in_flight())
      assert.is_false(other:done())
      others = other
      client:close()
    end)
    assert.are.equal("cancelled", err.kind)
    assert.is_false(again[1])
    assert.are.equal("closed", select(2, others:wait()).kind)
  end)

  it("a sleeping task is cancelled from outside of every controller", function()
    local client = new_client()
    local controller, task, slept = cqueues.new(), nil, nil
    controller:wrap(function()
      task = client:spawn(function() slept = { client:sleep(1000) } end)
    end)
    assert(controller:step(0))
    assert(controller:step(0))
    assert.is_true(task:cancel())
    assert.is_true(controller:loop(PATIENCE))
    assert.is_true(controller:empty())
    assert.are.equal("cancelled", slept[2].kind)
  end)

  it("an error in a coroutine of the host's leaves the others their calls", function()
    local client = new_client()
    local controller, account = cqueues.new(), nil
    controller:wrap(function()
      assert(client:me())
      account = assert(client:me())
    end)
    controller:wrap(function()
      client:sleep(0.001)
      error "the host's own"
    end)
    local good, problem = controller:loop(PATIENCE)
    assert.is_falsy(good)
    assert.is_truthy(tostring(problem):find("the host's own", 1, true))
    assert.is_true(controller:loop(PATIENCE))
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

  it("a controller has an end as soon as nobody waits there, whatever is in flight", function()
    local client = new_client()
    local first, second = cqueues.new(), cqueues.new()
    local ended
    hang()
    first:wrap(function()
      local task = client:spawn(function() return client:me() end)
      until_read(1)
      second:wrap(function() -- waits for what is in flight elsewhere
        select(2, task:wait(0.02))
        ended = true
      end)
      step_until(second, function() return ended end)
      for _ = 1, 3 do assert(second:step(0)) end
      assert.is_true(second:empty())
      assert.are.equal(1, client._core:in_flight())
      task:cancel()
    end)
    assert.is_true(first:loop(PATIENCE))
    assert.is_true(first:empty())
    assert.is_true(ended)
  end)

  it("two controllers share a client, and neither needs the other to go on", function()
    local client = new_client()
    local first, second = cqueues.new(), cqueues.new()
    local count = 0
    local function work()
      for _ = 1, 5 do
        assert(client:me())
        count = count + 1
      end
    end
    first:wrap(work)
    second:wrap(work)
    assert(first:step(0)) -- it watches
    assert(first:step(0))
    assert.is_true(second:loop(PATIENCE))
    assert.are.equal(5, count)
    assert.is_true(first:loop(PATIENCE))
    assert.are.equal(10, count)
    assert.is_true(first:empty() and second:empty())
  end)

  it("a controller that is dropped with calls in flight takes nobody else's with it", function()
    local client = new_client()
    local before, account
    do
      local dropped = cqueues.new()
      hang()
      dropped:wrap(function() client:me() end)
      dropped:wrap(function() client:sleep(100) end)
      step_until(dropped, function() return #server:requests() == 1 end)
      dropped:close()
    end
    collectgarbage()
    collectgarbage()
    server:faults {}
    run(function()
      before = client._core:in_flight()
      account = client:me()
    end)
    assert.are.equal(1, before)
    assert.is_truthy(account)
  end)

  it("controllers inside of controllers wait too", function()
    local client = new_client()
    local account, ticks = nil, 0
    run(function()
      local inner = cqueues.new()
      inner:wrap(function() account = assert(client:me()) end)
      inner:wrap(function() assert(client:sleep(0.01)) end)
      assert(inner:loop(PATIENCE))
    end, function()
      until_true(function() return account end)
      ticks = ticks + 1
    end)
    assert.is_truthy(account)
    assert.are.equal(1, ticks)
  end)

  it("closing in the middle lets everybody go, and leaves no descriptor behind", function()
    collectgarbage()
    collectgarbage()
    local controller = cqueues.new()
    controller:wrap(function() cqueues.sleep(0.001) end)
    assert(controller:loop(PATIENCE))
    local before = processes.descriptors()
    local client, kinds = new_client(), {}
    hang()
    for index = 1, 20 do
      controller:wrap(function()
        local _, err
        if index % 2 == 0 then
          _, err = client:me()
        else
          _, err = client:sleep(1000)
        end
        kinds[#kinds + 1] = err.kind
      end)
    end
    controller:wrap(function()
      until_read(10)
      client:close()
      client:close()
    end)
    assert.is_true(controller:loop(PATIENCE))
    assert.are.equal(20, #kinds)
    for _, kind in ipairs(kinds) do assert.are.equal("closed", kind) end
    assert.are.equal(before, processes.descriptors())
  end)

  it("what a closed or collected client watched is free for others", function()
    local controller = cqueues.new()
    local held = setmetatable({}, { __mode = "v" })
    local count, numbers = 0, {}
    local function use(close)
      local client = canary.client(server, { loop = "cqueues", api = "v1" })
      assert(client:me())
      held[1], numbers[client._core:pollfd()], count = client, true, count + 1
      if close then client:close() end
    end
    for turn = 1, 20 do
      controller:wrap(use, turn % 2 == 0)
      step_until(controller, function() return count == turn end)
      collectgarbage()
      collectgarbage()
      assert.is_nil(held[1])
    end
    assert.is_true(controller:loop(PATIENCE))
    assert.is_true(controller:empty())
    local different = 0
    for _ in pairs(numbers) do different = different + 1 end
    assert.is_true(different < 20, "no number was used again")
  end)

  it("an idle client is collected, with what it has open, while its controller goes on", function()
    local held, was_used = setmetatable({}, { __mode = "v" }), false
    run(function()
      local client = canary.client(server, { loop = "cqueues", api = "v1" })
      held[1] = client
      assert(client:me())
      was_used = true
    end, function()
      until_true(function()
        collectgarbage()
        return was_used and held[1] == nil
      end)
    end)
    assert.is_nil(held[1])
  end)

  it("one that somebody waits on is not", function()
    local account
    run(function()
      account = assert(canary.client(server, { loop = "cqueues", api = "v1" }):me())
    end, function()
      until_true(function()
        collectgarbage()
        return account
      end)
    end)
    assert.is_truthy(account)
  end)

  describe("outside of controllers", function()
    it("the process waits", function()
      local client = new_client()
      assert(client:me())
      assert.is_true(client:sleep(0.001))
      assert.are.equal("finished", assert(client:run(fields, { interval = 0.01 })).state)
    end)

    it("spawn says where it can be called", function()
      local client = new_client()
      local good, problem = pcall(client.spawn, client, function() end)
      assert.is_false(good)
      assert.is_truthy(tostring(problem):find("controller:wrap", 1, true), problem)
    end)

    it("waiting for what nobody can end says so", function()
      local client = new_client()
      local controller, task = cqueues.new(), nil
      controller:wrap(function() task = client:spawn(function() client:sleep(1000) end) end)
      assert(controller:step(0))
      local good, problem = pcall(task.wait, task)
      assert.is_false(good)
      assert.is_truthy(tostring(problem):find("nothing can end this wait", 1, true), problem)
      assert.are.equal("timeout", select(2, task:wait(0.01)).kind)
      client:close()
      assert.are.equal("timeout", select(2, task:wait(0.01)).kind)
      assert.is_true(controller:loop(PATIENCE))
      task:wait()
    end)

    it("those who wait inside of them are served too", function()
      local client = new_client()
      local controller, account = cqueues.new(), nil
      controller:wrap(function() account = assert(client:me()) end)
      assert(controller:step(0))
      assert(controller:step(0))
      for _ = 1, 100 do
        assert(client:me())
        if client._core:in_flight() == 0 then break end
      end
      assert(controller:loop(PATIENCE))
      assert.is_truthy(account)
    end)
  end)

  it("a closed client's tasks can still be waited for, also by their deadline", function()
    local client = new_client()
    local value, err
    run(function()
      local task = client:spawn(function()
        repeat cqueues.sleep(0.001) until err
        return "over"
      end)
      cqueues.sleep(0)
      client:close()
      err = select(2, task:wait(0.001))
      value = task:wait()
    end)
    assert.are.equal("timeout", err.kind)
    assert.are.equal("over", value)
  end)

  it("a client that is closed as a call begins ends nobody's controller", function()
    local begun, told = 0, 0
    hang()
    for _ = 1, 20 do -- who has the first turn is up to cqueues
      local client = new_client()
      run(function()
        cqueues.sleep(0.001)
        if client._closed then return end
        begun = begun + 1
        local _, err = client:me()
        told = told + (err and err.kind == "closed" and 1 or 0)
      end, function()
        cqueues.sleep(0.001)
        client:close()
      end)
    end
    assert.is_true(begun > 0)
    assert.are.equal(begun, told)
  end)

  it("where only the whole process could wait nobody does, and nothing is sent", function()
    local client, told = new_client(), {}
    local function try(...) told[#told + 1] = select(2, pcall(client.start, ...)) end
    local function try_in_c()
      table.sort({ 1, 2 }, function()
        try(client, fields)
        return false
      end)
    end
    run(try_in_c, function() coroutine.wrap(try)(client, fields) end, function()
      local task = client:spawn(try_in_c)
      task:wait()
    end)
    assert.is_true(#told >= 3)
    for _, message in ipairs(told) do
      local refusal = "openhands.start: waiting is not possible inside a C function"
      assert.is_truthy(message:find(refusal, 1, true), message)
    end
    assert.are.same({}, server:requests())
  end)

  it("the example runs to its end", function()
    local child = processes.child [[
      local getenv = os.getenv
      os.getenv = function(name) return not name:find "^OPENHANDS" and getenv(name) or nil end -- never the service
      arg = {}
      local simulator = require "openhands.simulator"
      local spawn = simulator.spawn
      simulator.spawn = function() return spawn { pace = 0.04 } end -- nothing ends while all are still beginning
      dofile "examples/cqueues.lua"
    ]]
    assert.are.equal("", child.errors)
    assert.are.equal(0, child.code)
    assert.is_truthy(child.output:find("running   Fix the typos in README.md.", 1, true), child.output)
    assert.is_truthy(child.output:find("finished  Add a test for the parser.", 1, true), child.output)
    assert.is_truthy(child.output:find("failed    Explain main.c.", 1, true), child.output)
  end)
end)
