-- The loop "uv" in programs on luv: what keeps the loop alive and for how long, and where waiting is
-- possible. Where other handles in the loop matter, in a process of its own.
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local uv = require "luv"
local canary = require "spec.support.canary"
local processes = require "spec.support.processes"

describe("in luv's loop", function()
  local server
  local pulse = uv.new_timer() -- no loop below is held up for ever

  setup(function()
    server = simulator.spawn { pace = 0.01 }
    pulse:start(10, 10, function() end)
  end)
  teardown(function()
    pulse:stop()
    server:close()
  end)
  before_each(function() server:reset() end)

  local function new_client(settings)
    local all = { loop = "uv", api = "v1" }
    for name, value in pairs(settings or {}) do all[name] = value end
    return canary.client(server, all)
  end

  -- Runs a program with a client of the simulator to its end, or kills it if it does not end.
  local function said(program)
    local result = processes.child(([[
      local openhands, uv = require "openhands", require "luv"
      local patience = uv.new_timer()
      patience:start(30000, 0, function()
        print "it does not end"
        os.exit(3)
      end)
      patience:unref()
      local function new_client(address)
        return openhands.new { base_url = address or %q, api_key = %q, grace = 0.02, api = "v1", loop = "uv" }
      end
      local client = new_client()
      local function silent_server()
        local listener, count = uv.new_tcp(), 0
        listener:bind("127.0.0.1", 0)
        listener:listen(64, function()
          count = count + 1
          local socket = uv.new_tcp()
          listener:accept(socket)
          socket:unref()
        end)
        listener:unref()
        return "http://127.0.0.1:" .. listener:getsockname().port, function() return count end
      end
    ]]):format(server.address, canary.key) .. program)
    assert.are.equal("", result.errors)
    assert.are.equal(0, result.code, result.output)
    return result.output
  end

  -- ---- the program's end -----------------------------------------------------------------------------------------

  it("a program ends when its tasks have, and not before", function()
    assert.are.equal("begun\nanswered\nslept\nlate\nleft true\n", said [[
      client:spawn(function()
        print "begun"
        assert(client:me())
        print "answered"
        client:sleep(0.02)
        print "slept"
      end):on_done(function()
        client:sleep(0.02)
        print "late"
      end)
      uv.run()
      print("left", not uv.loop_alive())
    ]]:gsub("\t", " "), nil)
  end)

  it("an idle client keeps no program alive", function()
    assert.are.equal("true\n", said [[
      assert(client:me())
      uv.run()
      print(not uv.loop_alive())
    ]])
  end)

  it("a call that was cancelled keeps no program alive", function()
    assert.are.equal("cancelled\ntrue\n", said [[
      local address, count = silent_server()
      local silent = new_client(address)
      local asking = silent:spawn(function()
        local _, err = silent:me()
        print(err.kind)
      end)
      silent:spawn(function()
        while count() == 0 do silent:sleep(0.001) end
        asking:cancel()
      end)
      uv.run()
      print(not uv.loop_alive())
    ]])
  end)

  it("a call that was abandoned keeps no program alive once it was cancelled", function()
    assert.are.equal("true\n", said [[
      local silent = new_client((silent_server()))
      local number
      local run = uv.run
      uv.run = function(mode) -- Ctrl-C, when it is on its way
        run(mode)
        number = next(silent._waiting)
        if silent._core:in_flight() == 1 then error("interrupted!", 0) end
      end
      pcall(silent.me, silent)
      uv.run = run
      assert(silent._core:in_flight() == 1)
      silent:_interrupt { number = number }
      uv.run()
      print(not uv.loop_alive())
    ]])
  end)

  it("a program may end with everything in flight", function()
    assert.are.equal("", said [[
      local silent = new_client((silent_server()))
      silent:spawn(function() silent:me() end)
      client:spawn(function() client:sleep(1000) end)
      for _ = 1, 5 do uv.run "nowait" end
      assert(silent._core:in_flight() == 1)
    ]])
  end)

  for name, ending in pairs {
    ["closes the client"] = "silent:close()",
    ["cancels the call"] = "task:cancel()",
    ["cancels the call and closes the client"] = "task:cancel() silent:close()",
  } do
    it("a program may end when it " .. name, function()
      assert.are.equal("", said([[
        local silent = new_client((silent_server()))
        local task = silent:spawn(function() silent:me() end)
        for _ = 1, 5 do uv.run "nowait" end
        assert(silent._core:in_flight() == 1)
      ]] .. ending))
    end)
  end

  it("a program may close every handle there is, and go on", function()
    assert.are.equal("true\ntrue\nconnect\n", said [[
      local silent = new_client((silent_server()))
      silent:spawn(function() silent:me { retries = 0 } end)
      client:spawn(function() client:sleep(1000) end)
      for _ = 1, 5 do uv.run "nowait" end
      assert(silent._core:in_flight() == 1)
      uv.walk(function(handle) if not handle:is_closing() then handle:close() end end)
      uv.run()
      print(client:me() ~= nil)
      print(client:spawn(function() return client:sleep(0.01) end):wait())
      print(select(2, silent:me { retries = 0 }).kind)
    ]])
  end)

  it("Ctrl-C ends a wait", function()
    local result = processes.child(([[
      local openhands, uv = require "openhands", require "luv"
      local client = openhands.new { base_url = %q, api_key = "any", api = "v1", loop = "uv" }
      io.popen(("sleep 0.2; kill -INT %%d"):format(uv.os_getpid()))
      client:sleep(60)
      print "it went on"
    ]]):format(server.address))
    assert.are_not.equal(0, result.code)
    assert.is_truthy(result.errors:find("interrupted!", 1, true), result.errors)
    assert.are.equal("", result.output)
  end)

  -- ---- where waiting is possible ---------------------------------------------------------------------------------

  it("a call outside the loop waits, and the loop goes on", function()
    local client, beats = new_client(), 0
    local heart = uv.new_timer()
    heart:start(1, 1, function() beats = beats + 1 end)
    local done = assert(client:run({ initial_user_msg = "Try it." }, { interval = 0.02 }))
    heart:close()
    client:close()
    assert.are.equal("finished", done.state)
    assert.is_true(beats > 10)
  end)

  it("a call in a callback raises before anything is sent, and a task may be spawned there", function()
    local client, results, task = new_client(), {}, nil
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      timer:close()
      results.start = { pcall(client.start, client, { initial_user_msg = "Not this." }) }
      results.sleep = { pcall(client.sleep, client, 0) }
      task = client:spawn(function() return client:me() end)
      results.wait = { pcall(task.wait, task) }
    end)
    for _ = 1, 1000 do
      if task then break end
      client:sleep(0.001)
    end
    assert.is_table(task:wait())
    for name, result in pairs(results) do
      assert.is_false(result[1])
      assert.is_truthy(result[2]:find(name .. ": waiting is not possible in a callback of the loop: call it inside "
        .. "client:spawn", 1, true), result[2])
    end
    assert.are.equal(0, server:jobs())
    assert.are.equal(1, #server:requests())
    client:close()
  end)

  it("a coroutine of the program waits where its thread may", function()
    assert.are.equal("outside true\nin a task true\nrefused true\n", said [[
      coroutine.wrap(function() print("outside", client:me() ~= nil) end)()
      local function inside()
        local called, answer
        coroutine.wrap(function() called, answer = pcall(client.me, client) end)()
        return called, answer
      end
      local called, answer = client:spawn(inside):wait()
      print("in a task", called and answer ~= nil)
      client:spawn(function()
        local refused, problem = inside()
        print("refused", not refused and problem:find "waiting is not possible in a callback" ~= nil)
      end)
      uv.run()
    ]]:gsub("\t", " "), nil)
  end)

  it("tasks that wait for one another get an error", function()
    assert.are.equal("true\n", said [[
      local first
      first = client:spawn(function() return client:spawn(function() return first:wait() end):wait() end)
      local good, problem = pcall(first.wait, first)
      print(not good and problem:find "the tasks wait for one another" ~= nil)
    ]])
  end)

  it("tasks that are always ready let the loop go on", function()
    assert.are.equal("true\ntrue\n", said [[
      local beats, rounds = 0, 0
      local heart = uv.new_timer()
      heart:start(1, 1, function() beats = beats + 1 end)
      local function busy()
        while beats < 3 and rounds < 1e6 do
          client:spawn(function() rounds = rounds + 1 end):wait()
        end
        print(beats >= 3)
      end
      client:spawn(busy) -- in callbacks of the loop
      while beats < 3 and rounds < 1e6 do uv.run "once" end
      uv.run "nowait"
      beats, rounds = 0, 0
      client:spawn(busy):wait() -- outside of it
      heart:stop() -- a handle that is still closing when a program ends is luv's end
    ]])
  end)

  it("a wait ends when its client is closed in a callback", function()
    local client = new_client()
    local timer = uv.new_timer()
    timer:start(5, 0, function()
      timer:close()
      client:close()
    end)
    local slept, err = client:sleep(1000)
    assert.is_nil(slept)
    assert.are.equal("closed", err.kind)
  end)

  it("a wait that an error has interrupted leaves the loop intact", function()
    local client = new_client()
    local run = uv.run
    uv.run = function() error("interrupted!", 0) end
    local good, problem = pcall(client.sleep, client, 10)
    uv.run = run
    assert.is_false(good)
    assert.are.equal("interrupted!", problem)
    local told
    client:spawn(function() told = client:me() end)
    for _ = 1, 10000 do -- its turns come in callbacks again
      if told then break end
      uv.run "once"
    end
    assert.is_table(told)
    client:close()
  end)

  -- ---- the rest ------------------------------------------------------------------------------------------------

  it("two loops of the library work in one process", function()
    local on_uv, on_plain = new_client(), canary.client(server, { loop = "plain", api = "v1" })
    local task = on_uv:spawn(function() return on_uv:me() end)
    assert(on_plain:me())
    assert.is_table(task:wait())
    on_uv:close()
    on_plain:close()
  end)

  it("the example runs two conversations while its timer ticks", function()
    local shell = io.popen(("env -u OPENHANDS_API_KEY -u OPENHANDS_CLOUD_API_KEY %s examples/luv.lua 2>&1; echo $?")
      :format(processes.quoted(processes.interpreter())))
    local output = shell:read "*a"
    shell:close()
    assert.is_truthy(output:find "\n1\tDone%.", output)
    assert.is_truthy(output:find "\n2\tDone%.", output)
    assert.is_truthy(tonumber(output:match "ticked (%d+) times meanwhile\n0\n$") > 1, output)
  end)

  it("is chosen by its name", function()
    local client = openhands.new { base_url = server.address, api_key = canary.key, loop = "uv" }
    assert.are.equal("uv", client._loop.name)
    client:close()
  end)
end)
