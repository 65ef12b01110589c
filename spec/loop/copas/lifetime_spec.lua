-- Lifetime of clients in the loop "copas": closed, idle or collected. See init_spec.lua for where it runs.
local has_copas, copas = pcall(require, "copas")
if has_copas and not pcall(function() return copas.semaphore end) then -- Debian's copas 4 lacks modules
  return
elseif not has_copas then
  local is_in_debian = _VERSION == "Lua 5.1" or _VERSION == "Lua 5.2" -- LuaJIT calls itself 5.1
  assert(not is_in_debian or not copas:find("module 'copas' not found", 1, true), "copas is missing: install lua-copas")
  return
end

local canary = require "spec.support.canary"
local copas_host = require "spec.support.copas_host"
local processes = require "spec.support.processes"

local run = copas_host.run

describe("a client in copas", function()
  local host

  setup(function() host = copas_host.new() end)
  teardown(function() host.server:close() end)
  before_each(function() host.reset() end)
  after_each(function() host.clean() end)

  it("that is closed ends all waits, and leaves no descriptor open", function()
    collectgarbage()
    run(function() host.sleeper:sleep(0.001) end)
    local before = processes.descriptors()
    local client, kinds, threads = host.new_client(), {}, {}
    host.hang()
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
      host.wait_until_read(10)
      client:close()
      client:close()
    end
    run((table.unpack or unpack)(threads)) -- luacheck: ignore 143
    assert.are.equal(20, #kinds)
    for _, kind in ipairs(kinds) do assert.are.equal("closed", kind) end
    assert.are.equal(before, processes.descriptors())
  end)

  it("that is closed has tasks that can still be waited for, with a timeout, too", function()
    local client = host.new_client()
    local value, err
    run(function()
      local task = client:spawn(function()
        repeat host.sleeper:sleep(0.001) until err
        return "over"
      end)
      host.sleeper:sleep(0.001)
      client:close()
      err = select(2, task:wait(0.001))
      value = task:wait()
    end)
    assert.are.equal("timeout", err.kind)
    assert.are.equal("over", value)
  end)

  it("that is closed or collected frees its descriptor for others", function()
    local held = setmetatable({}, { __mode = "v" })
    -- LuaJIT's stacks may keep what an ended coroutine has used until others have run.
    local function is_collected()
      for _ = 1, 10 do
        collectgarbage()
        collectgarbage()
        if not held[1] then return true end
        run(function() host.sleeper:sleep(0.001) end)
      end
      return false
    end
    local count = 0
    local function use(close)
      local client = canary.client(host.server, { loop = "copas", api = "v1" })
      assert(client:me())
      held[1], count = client, count + 1
      if close then client:close() end
    end
    for number = 1, 20 do
      run(function() use(number % 2 == 0) end)
      assert.is_true(is_collected())
    end
    assert.are.equal(20, count)
  end)

  it("that is idle is collected without a step of copas", function()
    local held = setmetatable({}, { __mode = "v" })
    local function use()
      local client = canary.client(host.server, { loop = "copas", api = "v1" })
      assert(client:me())
      held[1] = client
    end
    use()
    collectgarbage()
    collectgarbage()
    assert.is_nil(held[1])
  end)

  it("with a call in flight is not collected", function()
    local account
    run(function()
      account = assert(canary.client(host.server, { loop = "copas", api = "v1" }):me())
    end, function()
      host.wait_until(function()
        collectgarbage()
        return account
      end)
    end)
    assert.is_truthy(account)
  end)

  it("leaves copas finished when nothing waits any more", function()
    if not copas.finished then return end -- the old copas never ends
    local client, finished = host.new_client(), nil
    host.hang()
    run(function()
      local task = client:spawn(function() return client:me() end)
      host.wait_until_read(1)
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
end)
