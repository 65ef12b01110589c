-- When controllers, clients and their descriptors can end or be collected in the loop "cqueues".
if _VERSION == "Lua 5.5" and not pcall(require, "cqueues") then
  print("skipped: cqueues, which is not installed for Lua 5.5")
  return
end

local canary = require "spec.support.canary"
local cqueues = require "cqueues"
local cqueues_host = require "spec.support.cqueues_host"
local processes = require "spec.support.processes"

local run, step_until, wait_until = cqueues_host.run, cqueues_host.step_until, cqueues_host.wait_until
local TIMEOUT = cqueues_host.TIMEOUT

describe("a controller", function()
  local host

  setup(function() host = cqueues_host.new() end)
  teardown(function() host.server:close() end)
  before_each(function() host.reset() end)
  after_each(function() host.clean() end)

  it("ends as soon as nothing waits in it, even if exchanges are in flight", function()
    local client = host.new_client()
    local first, second = cqueues.new(), cqueues.new()
    local ended
    host.hang()
    first:wrap(function()
      local task = client:spawn(function() return client:me() end)
      host.wait_until_read(1)
      second:wrap(function() -- waits for what another controller has in flight
        select(2, task:wait(0.02))
        ended = true
      end)
      step_until(second, function() return ended end)
      for _ = 1, 3 do assert(second:step(0)) end
      assert.is_true(second:empty())
      assert.are.equal(1, client._core:in_flight())
      task:cancel()
    end)
    assert.is_true(first:loop(TIMEOUT))
    assert.is_true(first:empty())
    assert.is_true(ended)
  end)

  it("can share a client with another one, and neither needs the other to be stepped", function()
    local client = host.new_client()
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
    assert(first:step(0)) -- now it watches the descriptor
    assert(first:step(0))
    assert.is_true(second:loop(TIMEOUT))
    assert.are.equal(5, count)
    assert.is_true(first:loop(TIMEOUT))
    assert.are.equal(10, count)
    assert.is_true(first:empty() and second:empty())
  end)

  it("can be closed with calls in flight, and other calls go on", function()
    local client = host.new_client()
    local before, account
    do
      local dropped = cqueues.new()
      host.hang()
      dropped:wrap(function() client:me() end)
      dropped:wrap(function() client:sleep(100) end)
      step_until(dropped, function() return #host.server:requests() == 1 end)
      dropped:close()
    end
    collectgarbage()
    collectgarbage()
    host.server:faults {}
    run(function()
      before = client._core:in_flight()
      account = client:me()
    end)
    assert.are.equal(1, before)
    assert.is_truthy(account)
  end)
end)

describe("a client in cqueues", function()
  local host

  setup(function() host = cqueues_host.new() end)
  teardown(function() host.server:close() end)
  before_each(function() host.reset() end)
  after_each(function() host.clean() end)

  it("that is closed ends all waits, and leaves no descriptor open", function()
    collectgarbage()
    collectgarbage()
    local controller = cqueues.new()
    controller:wrap(function() cqueues.sleep(0.001) end)
    assert(controller:loop(TIMEOUT))
    local before = processes.descriptors()
    local client, kinds = host.new_client(), {}
    host.hang()
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
      host.wait_until_read(10)
      client:close()
      client:close()
    end)
    assert.is_true(controller:loop(TIMEOUT))
    assert.are.equal(20, #kinds)
    for _, kind in ipairs(kinds) do assert.are.equal("closed", kind) end
    assert.are.equal(before, processes.descriptors())
  end)

  it("that is closed as a call starts does not end the controller", function()
    local started, closed = 0, 0
    host.hang()
    for _ = 1, 20 do -- cqueues decides which coroutine runs first
      local client = host.new_client()
      run(function()
        cqueues.sleep(0.001)
        if client._closed then return end
        started = started + 1
        local _, err = client:me()
        closed = closed + (err and err.kind == "closed" and 1 or 0)
      end, function()
        cqueues.sleep(0.001)
        client:close()
      end)
    end
    assert.is_true(started > 0)
    assert.are.equal(started, closed)
  end)

  it("that is closed has tasks that can still be waited for, with a timeout, too", function()
    local client = host.new_client()
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

  it("that is closed or collected frees its descriptor for others", function()
    local controller = cqueues.new()
    local held = setmetatable({}, { __mode = "v" })
    local count, descriptors = 0, {}
    local function use(close)
      local client = canary.client(host.server, { loop = "cqueues", api = "v1" })
      assert(client:me())
      held[1], descriptors[client._core:pollfd()], count = client, true, count + 1
      if close then client:close() end
    end
    for number = 1, 20 do
      controller:wrap(use, number % 2 == 0)
      step_until(controller, function() return count == number end)
      collectgarbage()
      collectgarbage()
      assert.is_nil(held[1])
    end
    assert.is_true(controller:loop(TIMEOUT))
    assert.is_true(controller:empty())
    local different = 0
    for _ in pairs(descriptors) do different = different + 1 end
    assert.is_true(different < 20, "no descriptor was used again")
  end)

  it("that is idle is collected while its controller goes on", function()
    local held, was_used = setmetatable({}, { __mode = "v" }), false
    run(function()
      local client = canary.client(host.server, { loop = "cqueues", api = "v1" })
      held[1] = client
      assert(client:me())
      was_used = true
    end, function()
      wait_until(function()
        collectgarbage()
        return was_used and held[1] == nil
      end)
    end)
    assert.is_nil(held[1])
  end)

  it("with a call in flight is not collected", function()
    local account
    run(function()
      account = assert(canary.client(host.server, { loop = "cqueues", api = "v1" }):me())
    end, function()
      wait_until(function()
        collectgarbage()
        return account
      end)
    end)
    assert.is_truthy(account)
  end)
end)
