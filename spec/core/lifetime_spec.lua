-- The life of a client: closed at any moment and in any way, it takes everything with it and nothing else.
local core = require "openhands.core"
local openhands = require "openhands"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local core_service = require "spec.support.core_service"
local processes = require "spec.support.processes"

local id = "0123456789abcdef0123456789abcdef"
local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

describe("a client on the wire", function()
  local here = core_service.new()
  local server, new_handle, hang = here.server, here.handle, here.hang

  teardown(function() server:close() end)
  before_each(here.reset)

  -- Exchanges that the server has read and never answers.
  local function in_flight(handle, count)
    hang()
    local numbers = {}
    for index = 1, count do numbers[index] = core.status(handle, id, { api = "v0", timeout = 60 }) end
    local wanted = math.min(count, 100) -- connections to a host
    for _ = 1, 10000 do
      handle:step(0.001)
      if #server:requests() >= wanted then break end
    end
    assert.is_true(#server:requests() >= wanted)
    assert.are.equal(count, handle:in_flight())
    return numbers
  end

  local function raises(pattern, operate, ...)
    local good, problem = pcall(operate, ...)
    assert.is_false(good)
    assert.is_truthy(tostring(problem):find(pattern), tostring(problem))
    canary.assert_no_secret(problem)
  end

  it("opens nothing before its first call, and leaves no descriptor behind", function()
    local before = processes.descriptors()
    local client = canary.client(server)
    assert.are.equal(before, processes.descriptors())
    assert(client:start(fields))
    assert.is_true(processes.descriptors() > before)
    client:close()
    assert.are.equal(before, processes.descriptors())
  end)

  it("may be closed twice, and without having been used", function()
    local client = canary.client(server)
    client:close()
    client:close()
    local handle = new_handle()
    handle:close()
    handle:close()
    assert.is_truthy(tostring(handle):find("closed", 1, true))
    assert.is_truthy(tostring(client):find("closed", 1, true))
    canary.assert_no_secret { client, handle }
  end)

  it("raises for every call after it was closed", function()
    local client = canary.client(server)
    local conversation = assert(client:start(fields))
    client:close()
    raises("closed", client.start, client, fields)
    raises("closed", client.status, client, conversation)
    raises("closed", client.wait, client, conversation)
    raises("closed", client.run, client, fields)
    raises("closed", conversation.wait, conversation)
    local handle = new_handle()
    handle:close()
    for _, name in ipairs { "step", "next", "pollfd", "events", "timeout", "in_flight", "outgoing" } do
      raises("closed", handle[name], handle)
    end
    raises("closed", handle.cancel, handle, 1)
    raises("closed", handle.prepare, handle, "status", id, "v1")
    raises("closed", core.status, handle, id, { api = "v0" })
    assert.are.equal(1, server:jobs())
  end)

  it("returns conversations that can refresh themselves", function()
    local client = canary.client(server)
    local conversation = assert(client:start(fields))
    assert.are.equal("finished", assert(conversation:wait({ interval = 0.001, timeout = 20 })).state)
    assert.are.equal("finished", assert(conversation:refresh()).state)
    client:close()
  end)

  it("raises for a receiver that is no client", function()
    for _, other in ipairs { 1, "x", {}, io.stdout } do
      assert.is_false(pcall(core.status, other, id, { api = "v0" }))
      assert.is_false(pcall(new_handle().step, other))
    end
  end)

  for _, count in ipairs { 1, 30 } do
    it(("may be closed with %d exchanges in flight"):format(count), function()
      local before = processes.descriptors()
      local handle = new_handle()
      in_flight(handle, count)
      handle:close()
      assert.are.equal(before, processes.descriptors())
    end)

    it(("may be collected with %d exchanges in flight"):format(count), function()
      collectgarbage()
      collectgarbage()
      local before = processes.descriptors()
      local handle = new_handle()
      in_flight(handle, count)
      handle = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.are.equal(before, processes.descriptors())
    end)
  end

  it("may be collected at any moment of an exchange", function()
    local before = processes.descriptors()
    for steps = 0, 12 do
      local handle = new_handle()
      core.status(handle, id, { api = "v0" })
      core.start(handle, fields, { api = "v0" })
      for _ = 1, steps do handle:step(0) end
      handle = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.are.equal(before, processes.descriptors())
    end
  end)

  it("leaves nothing behind of a wait that was aborted", function()
    local before = processes.descriptors()
    do
      local client = canary.client(server, { api = "v0" })
      hang()
      local abandoned = coroutine.wrap(function() return client:status(id, { timeout = 0.05, retries = 0 }) end)
      local _, err = abandoned()
      assert.are.equal("timeout", err.kind)
    end
    collectgarbage()
    collectgarbage()
    assert.are.equal(before, processes.descriptors())
  end)

  for name, ending in pairs {
    ["the end of the program"] = "",
    ["os.exit"] = "os.exit(0)",
    ["close, then the end"] = "handle:close() client:close()",
    ["garbage collection, then the end"] = "handle, client = nil, nil collectgarbage() collectgarbage()",
  } do
    it("ends quietly in flight with " .. name, function()
      hang()
      local result = processes.child(([[
        local core, openhands = require "openhands.core", require "openhands"
        local address, key = %q, %q
        local handle = core.new { base_url = address, api_key = key }
        local client = openhands.new { base_url = address, api_key = key, api = "v0" }
        for _ = 1, 20 do core.status(handle, %q, { api = "v0" }) end
        core.start(handle, { initial_user_msg = "x" }, { api = "v0" })
        for _ = 1, 20 do handle:step(0.01) end
        assert(handle:in_flight() == 21)
        client:status("a", { timeout = 0.05, retries = 0 })
        io.write "well"
        %s
      ]]):format(server.address, canary.key, id, ending))
      assert.are.same({ code = 0, output = "well", errors = "" }, result)
    end)
  end

  it("raises a mistake with the line of the caller, in a program of its own", function()
    local result = processes.child(([[
      local openhands = require "openhands"
      local client = openhands.new { base_url = %q, api_key = %q }
      client:status({})
    ]]):format(server.address, canary.key))
    assert.are.equal(1, result.code)
    assert.is_truthy(result.errors:find("program.lua:4:", 1, true), result.errors)
    canary.assert_no_secret(result)
  end)

  it("works after the coroutine that made it has died", function()
    local client, handle
    local maker = coroutine.create(function()
      client, handle = canary.client(server), new_handle()
      core.status(handle, id, { api = "v0" })
      handle:step(0)
    end)
    assert(coroutine.resume(maker))
    assert.are.equal("dead", coroutine.status(maker))
    maker = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    local conversation = assert(client:start(fields))
    assert.are.equal("v1", conversation.api)
    local number, value
    for _ = 1, 1000 do
      handle:step(0.1)
      number, value = handle:next()
      if number then break end
    end
    assert.are.same({ 1, core.null }, { number, value })
    client:close()
    handle:close()
  end)

  it("may be used in a coroutine that fails", function()
    local client = canary.client(server, { api = "v1" })
    local failing = coroutine.create(function()
      return client:run(fields, { interval = 0.01, on_change = function() error "of the caller" end })
    end)
    local good, problem = coroutine.resume(failing)
    assert.is_false(good)
    assert.is_truthy(problem:find "of the caller")
    assert(client:start(fields))
    assert.are.equal(2, server:jobs())
    client:close()
  end)

  it("cancels one exchange, and no other", function()
    local handle = new_handle()
    local numbers = in_flight(handle, 3)
    server:faults {}
    assert.is_true(handle:cancel(numbers[2]))
    assert.is_false(handle:cancel(numbers[2]))
    assert.is_false(handle:cancel(9999))
    local number, value, err = handle:next()
    assert.are.equal(numbers[2], number)
    assert.is_nil(value)
    assert.are.same({ "cancelled", "status" }, { err.kind, err.operation })
    canary.assert_no_secret(err)
    assert.is_nil((handle:next()))
    assert.are.equal(2, handle:in_flight())
    -- What was cancelled leaves its place to others.
    local another = core.status(handle, id, { api = "v0" })
    for _ = 1, 1000 do
      handle:step(0.1)
      number, value = handle:next()
      if number then break end
    end
    assert.are.same({ another, core.null }, { number, value })
    handle:close()
  end)

  it("begins a new exchange while others hang", function()
    local handle = new_handle()
    in_flight(handle, 5)
    server:faults {}
    for index = 6, 8 do
      assert.are.equal(index, core.status(handle, id, { api = "v0" }))
      local number
      for _ = 1, 1000 do
        handle:step(0.1)
        number = handle:next()
        if number then break end
      end
      assert.are.equal(index, number)
    end
    assert.are.equal(5, handle:in_flight())
    handle:close()
  end)

  it("carries 200 exchanges at once, each with its own answer", function()
    local client = canary.client(server, { api = "v1" })
    local ids, wanted = {}, {}
    for index = 1, 20 do
      ids[index] = assert(client:start { initial_user_msg = "number " .. index, title = "t" .. index }).conversation_id
    end
    client:close()
    local before = processes.descriptors()
    local handle = new_handle(10)
    for index = 1, 200 do
      local of = ids[index % 20 + 1]
      wanted[core.status(handle, of, { api = "v1" })] = assertions.comparable_id(of)
    end
    local answered = 0
    for _ = 1, 100000 do
      if answered == 200 then break end
      handle:step(1)
      local number, value, err = handle:next()
      while number do
        assert.is_nil(err)
        assert.are.equal(wanted[number], assertions.comparable_id(value[1].id))
        wanted[number], answered = nil, answered + 1
        number, value, err = handle:next()
      end
    end
    assert.are.equal(200, answered)
    assert.is_nil(next(wanted))
    assert.are.equal(0, handle:in_flight())
    assert.is_true(server:connections().open <= 10)
    handle:close()
    assert.are.equal(before, processes.descriptors())
  end)

  it("keeps its connection for reads; starts have their own", function()
    local client = canary.client(server, { api = "v0" })
    local accepted = server:connections().accepted
    for _ = 1, 20 do client:status(id) end
    assert.are.equal(1, server:connections().accepted - accepted)
    for _ = 1, 3 do assert(client:start(fields)) end
    assert.are.equal(4, server:connections().accepted - accepted)
    client:status(id)
    assert.are.equal(4, server:connections().accepted - accepted)
    client:close()
  end)

  it("is not inherited without a fork", function()
    local handle = new_handle()
    assert.is_false(handle:is_inherited())
    core.status(handle, id, { api = "v0" })
    assert.is_false(handle:is_inherited())
    handle:close()
    assert.is_false(handle:is_inherited())
    assert.is_false((pcall(handle.is_inherited, io.stdout)))
  end)

  it("is made anew by the module after its close", function()
    assert.are.equal("function", type(openhands.close))
    openhands.close()
    openhands.close()
  end)
end)
