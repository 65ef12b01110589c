-- The loop "cqueues": clients in controllers of cqueues, beside other coroutines. Debian has cqueues for Lua 5.1 to 5.4
-- and LuaJIT; a newer Lua has it if LuaRocks has installed it.
if _VERSION == "Lua 5.5" and not pcall(require, "cqueues") then
  print("skipped: cqueues, which is not installed for Lua 5.5")
  return
end

local conditions = require "cqueues.condition"
local cqueues = require "cqueues"
local cqueues_host = require "spec.support.cqueues_host"
local processes = require "spec.support.processes"

local run, serve, step_until = cqueues_host.run, cqueues_host.serve, cqueues_host.step_until
local wait_until, TIMEOUT = cqueues_host.wait_until, cqueues_host.TIMEOUT
local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

describe("in cqueues", function()
  local host

  setup(function() host = cqueues_host.new() end)
  teardown(function() host.server:close() end)
  before_each(function() host.reset() end)
  after_each(function() host.clean() end)

  it("other coroutines go on while a call waits", function()
    local client = host.new_client()
    local ticks, err = 0
    host.hang()
    run(function()
      local _
      _, err = client:me()
    end, function()
      host.wait_until_read(1)
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
    -- Answers ten requests together: as many as a client has connections.
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
    local client = host.new_client(address)
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

  it("cancelling a task ends its call, and no other", function()
    local client = host.new_client()
    local err, others, again
    host.hang()
    run(function()
      local task = client:spawn(function()
        local _, problem = client:me()
        again = { pcall(client.me, client) }
        return nil, problem
      end)
      local other = client:spawn(function() return client:me() end)
      host.wait_until_read(2)
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

  it("a sleeping task can be cancelled from outside all controllers", function()
    local client = host.new_client()
    local controller, task, slept = cqueues.new(), nil, nil
    controller:wrap(function()
      task = client:spawn(function() slept = { client:sleep(1000) } end)
    end)
    assert(controller:step(0))
    assert(controller:step(0))
    assert.is_true(task:cancel())
    assert.is_true(controller:loop(TIMEOUT))
    assert.is_true(controller:empty())
    assert.are.equal("cancelled", slept[2].kind)
  end)

  it("an error in another coroutine does not end the calls", function()
    local client = host.new_client()
    local controller, account = cqueues.new(), nil
    controller:wrap(function()
      assert(client:me())
      account = assert(client:me())
    end)
    controller:wrap(function()
      client:sleep(0.001)
      error "the host's own"
    end)
    local good, problem = controller:loop(TIMEOUT)
    assert.is_falsy(good)
    assert.is_truthy(tostring(problem):find("the host's own", 1, true))
    assert.is_true(controller:loop(TIMEOUT))
    assert.is_truthy(account)
  end)

  it("a wait ends at its deadline", function()
    local client = host.new_client()
    local task, early, late
    host.hang()
    run(function()
      local seconds = 0.2
      repeat -- on a busy machine both may end at once
        task = client:spawn(function() return client:me { timeout = seconds, retries = 0 } end)
        early = select(2, task:wait(0.02))
        seconds = 2 * seconds
      until not task:done() or seconds > 10
      assert.is_false(task:done())
      late = select(2, task:wait())
    end)
    assert.are.equal("timeout", early.kind)
    assert.are.equal("timeout", late.kind)
  end)

  it("controllers inside controllers may wait, too", function()
    local client = host.new_client()
    local account, ticks = nil, 0
    run(function()
      local inner = cqueues.new()
      inner:wrap(function() account = assert(client:me()) end)
      inner:wrap(function() assert(client:sleep(0.01)) end)
      assert(inner:loop(TIMEOUT))
    end, function()
      wait_until(function() return account end)
      ticks = ticks + 1
    end)
    assert.is_truthy(account)
    assert.are.equal(1, ticks)
  end)

  it("a call where only the whole process could wait raises before anything is sent", function()
    local client, messages = host.new_client(), {}
    local function try(...) messages[#messages + 1] = select(2, pcall(client.start, ...)) end
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
    assert.is_true(#messages >= 3)
    for _, message in ipairs(messages) do
      local refusal = "openhands.start: waiting is not possible inside a C function"
      assert.is_truthy(message:find(refusal, 1, true), message)
    end
    assert.are.same({}, host.server:requests())
  end)

  it("the example runs to its end", function()
    local child = processes.child [[
      local getenv = os.getenv
      os.getenv = function(name) return not name:find "^OPENHANDS" and getenv(name) or nil end -- never the service
      arg = {}
      local simulator = require "openhands.simulator"
      local spawn = simulator.spawn
      simulator.spawn = function() return spawn { pace = 0.04 } end -- none ends before all have started
      dofile "examples/cqueues.lua"
    ]]
    assert.are.equal("", child.errors)
    assert.are.equal(0, child.code)
    assert.is_truthy(child.output:find("running   Fix the typos in README.md.", 1, true), child.output)
    assert.is_truthy(child.output:find("finished  Add a test for the parser.", 1, true), child.output)
    assert.is_truthy(child.output:find("failed    Explain main.c.", 1, true), child.output)
  end)

  describe("outside controllers", function()
    it("the process waits", function()
      local client = host.new_client()
      assert(client:me())
      assert.is_true(client:sleep(0.001))
      assert.are.equal("finished", assert(client:run(fields, { interval = 0.01 })).state)
    end)

    it("spawn raises and says where it can be called", function()
      local client = host.new_client()
      local good, problem = pcall(client.spawn, client, function() end)
      assert.is_false(good)
      assert.is_truthy(tostring(problem):find("controller:wrap", 1, true), problem)
    end)

    it("a wait that nothing can end raises", function()
      local client = host.new_client()
      local controller, task = cqueues.new(), nil
      controller:wrap(function() task = client:spawn(function() client:sleep(1000) end) end)
      assert(controller:step(0))
      local good, problem = pcall(task.wait, task)
      assert.is_false(good)
      assert.is_truthy(tostring(problem):find("nothing can end this wait", 1, true), problem)
      assert.are.equal("timeout", select(2, task:wait(0.01)).kind)
      client:close()
      assert.are.equal("timeout", select(2, task:wait(0.01)).kind)
      assert.is_true(controller:loop(TIMEOUT))
      task:wait()
    end)

    it("a call steps the calls inside controllers, too", function()
      local client = host.new_client()
      local controller, account = cqueues.new(), nil
      controller:wrap(function() account = assert(client:me()) end)
      assert(controller:step(0))
      assert(controller:step(0))
      for _ = 1, 100 do
        assert(client:me())
        if client._core:in_flight() == 0 then break end
      end
      assert(controller:loop(TIMEOUT))
      assert.is_truthy(account)
    end)
  end)
end)
