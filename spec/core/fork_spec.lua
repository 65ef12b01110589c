-- The client made from the environment, and tasks, in a process that was forked after they had been used.
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local uv = require "luv"
local canary = require "spec.support.canary"

local found, ffi = pcall(require, "ffi")

if found then ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]] end

-- Runs a function in a forked child, which ends with 7 if that gives true; returns how it ended.
local function in_child(run)
  local child = ffi.C.fork()
  if child == 0 then
    local good, result = pcall(run)
    ffi.C._exit(good and result and 7 or 1)
  end
  local status = ffi.new "int[1]"
  assert.equal(child, ffi.C.waitpid(child, status, 0))
  return status[0] / 256
end

describe("a forked child", function()
  it("leaves the tasks to the parent", function()
    if not found then
      return pending "needs a Lua that can fork"
    end
    local client, ran = openhands.new { api_key = "any", loop = "plain" }, 0
    local task = client:spawn(function()
      client:sleep(0.01)
      ran = ran + 1
    end)
    client:spawn(function() ran = ran + 1 end) -- has not begun
    assert.equal(7, in_child(function()
      local own = openhands.new { api_key = "any", loop = "plain" }
      own:spawn(function() own:sleep(0.001) end):wait()
      own:sleep(0.05)
      return ran == 0
    end))
    assert.equal(0, ran)
    task:wait()
    assert.equal(2, ran)
    client:close()
  end)
end)

describe("a task that forks", function()
  it("continues in the child, without the other tasks", function()
    if not found then
      return pending "needs a Lua that can fork"
    end
    local client, ran, code = openhands.new { api_key = "any", loop = "plain" }, 0, nil
    local forking = client:spawn(function()
      client:sleep(0.001)
      code = in_child(function()
        return client:sleep(0.01) and ran == 0
      end)
    end)
    for _ = 1, 3 do
      client:spawn(function()
        client:sleep(0.001)
        ran = ran + 1
      end)
    end
    local _, err = forking:wait()
    assert.is_nil(err)
    assert.equal(7, code)
    client:sleep(0.01)
    assert.equal(3, ran)
    client:close()
  end)
end)

describe("the default client in a forked child", function()
  local service

  setup(function()
    service = simulator.spawn()
    uv.os_setenv("OPENHANDS_BASE_URL", service.address)
    uv.os_setenv("OPENHANDS_API_KEY", canary.key)
    openhands.close()
  end)

  teardown(function()
    openhands.close()
    uv.os_unsetenv "OPENHANDS_BASE_URL"
    uv.os_unsetenv "OPENHANDS_API_KEY"
    service:close()
  end)

  it("is a new one, and leaves the parent's alone", function()
    if not found then
      return pending "needs a Lua that can fork"
    end
    assert(openhands.me())
    assert.equal(7, in_child(function()
      return openhands.me() and openhands.count() == 0
    end))
    assert(openhands.me())
    assert.equal(2, service:connections().accepted) -- one of each
  end)
end)
