-- The loop "copas": clients in threads of copas, beside its servers. This runs on the old copas without timers and on
-- the new one. Debian has it for Lua 5.1, 5.2 and LuaJIT only; other Luas have one if LuaRocks has installed it.
local has_copas, copas = pcall(require, "copas")
if has_copas and not pcall(function() return copas.semaphore end) then -- Debian's copas 4 lacks modules
  return
elseif not has_copas then
  local is_in_debian = _VERSION == "Lua 5.1" or _VERSION == "Lua 5.2" -- LuaJIT calls itself 5.1
  assert(not is_in_debian or not copas:find("module 'copas' not found", 1, true), "copas is missing: install lua-copas")
  return
end

local copas_host = require "spec.support.copas_host"
local processes = require "spec.support.processes"
local sockets = require "socket"

local run, step_until, listen, serve = copas_host.run, copas_host.step_until, copas_host.listen, copas_host.serve
local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

describe("in copas", function()
  local host

  setup(function() host = copas_host.new() end)
  teardown(function() host.server:close() end)
  before_each(function() host.reset() end)
  after_each(function() host.clean() end)

  it("a task may call what waits in copas itself", function()
    local client = host.new_client()
    local port, stop = listen(function(connection)
      copas.send(connection, copas.receive(connection, "*l") .. "\n")
      copas.receive(connection, "*l")
      connection:close()
    end)
    local results
    run(function()
      local semaphore = copas.semaphore and copas.semaphore.new(1, 0, copas_host.TIMEOUT)
      local functions = {}
      functions[1] = function()
        local connection = sockets.tcp()
        assert(copas.connect(connection, "127.0.0.1", port))
        copas.send(connection, "echo\n")
        local line, problem = copas.receive(connection, "*l")
        if semaphore then -- a copas that has timers
          copas.settimeouts(connection, nil, nil, 0.01)
          problem = select(2, copas.receive(connection, "*l"))
          semaphore:give(1)
        end
        connection:close()
        return line .. " " .. (problem or "timeout")
      end
      functions[2] = function() return semaphore and semaphore:take(1) or not semaphore end
      results = assert(client:all(functions))
    end)
    stop()
    assert.are.same({ "echo timeout", true }, results)
  end)

  it("a server's handler may call between receiving and sending", function()
    local client = host.new_client()
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
    local function talk(name)
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
    run(talk "a", talk "b", talk "c")
    stop()
    table.sort(answers)
    assert.are.same({
      "a1 finished", "a2 finished", "a3 finished", "b1 finished", "b2 finished", "b3 finished",
      "c1 finished", "c2 finished", "c3 finished",
    }, answers)
  end)

  it("servers and their clients go on while a call waits", function()
    local client = host.new_client()
    local port, stop = listen(function(connection)
      local line = copas.receive(connection, "*l")
      while line do
        copas.send(connection, line .. "\n")
        line = copas.receive(connection, "*l")
      end
      connection:close()
    end)
    local echoes, err = 0, nil
    host.hang()
    run(function()
      err = select(2, client:me())
    end, function()
      host.wait_until_read(1)
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
    -- Answers ten requests together: as many as a client has connections.
    local address, stop = serve(function(target)
      local batch = batches
      slow = slow + 1
      if slow == 10 then slow, batches = 0, batches + 1 end
      host.wait_until(function() return batches > batch end)
      return ('{"target": "%s"}'):format(target)
    end)
    local client, threads = host.new_client(address), {}
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

  it("cancelling a task ends its call, and no other", function()
    local client = host.new_client()
    local err, other, again
    host.hang()
    run(function()
      local task = client:spawn(function()
        local _, problem = client:me()
        again = { pcall(client.me, client) }
        return nil, problem
      end)
      other = client:spawn(function() return client:me() end)
      host.wait_until_read(2)
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

  it("a sleeping task can be cancelled from outside all threads", function()
    local client = host.new_client()
    local slept, has_started
    local task = client:spawn(function()
      has_started = true
      slept = { client:sleep(1000) }
    end)
    step_until(function() return has_started end)
    assert.is_true(task:cancel())
    task:wait()
    assert.are.equal("cancelled", slept[2].kind)
  end)

  it("an error in another thread does not end the calls", function()
    local client = host.new_client()
    local problem, account
    copas.addthread(function()
      copas.setErrorHandler(function(what) problem = what end)
      client:sleep(0.001)
      error "the host's own"
    end)
    run(function()
      assert(client:me())
      host.wait_until(function() return problem end)
      account = assert(client:me())
    end)
    assert.is_truthy(tostring(problem):find("the host's own", 1, true))
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

  it("a wait that starts at the very moment of its deadline ends, too", function()
    local loop = require "openhands.loop.copas"
    local now = loop.now
    loop.now = function() return now() - 0.02 end -- the deadline has passed when it is set
    local client, slept = host.new_client(), nil
    run(function() slept = client:sleep(0.01) end)
    loop.now = now
    assert.is_true(slept)
  end)

  it("a call where waiting is impossible raises before anything is sent", function()
    if not coroutine.isyieldable then return end -- not known there, where Lua itself raises
    local client = host.new_client()
    local good, problem
    run(function()
      good, problem = pcall(table.sort, { 1, 2 }, function() client:me() end)
    end)
    assert.is_false(good)
    assert.is_truthy(tostring(problem):find("inside a C function", 1, true), problem)
    assert.are.equal(0, #host.server:requests())
  end)

  it("works, if more slowly, where select cannot watch the descriptors", function()
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
    ]]):format(host.server.address))
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

  describe("outside threads", function()
    it("threads go on while the process waits", function()
      local client = host.new_client()
      local sleeps = 0
      copas.addthread(function()
        while sleeps < 5 do
          host.sleeper:sleep(0.001)
          sleeps = sleeps + 1
        end
      end)
      assert(client:me())
      assert.is_true(client:sleep(0.001))
      assert.are.equal("finished", assert(client:run(fields, { interval = 0.01 })).state)
      assert.are.equal("over", client:spawn(function()
        host.wait_until(function() return sleeps == 5 end)
        return "over"
      end):wait())
    end)
  end)
end)
