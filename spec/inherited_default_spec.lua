-- The client made from the environment, in a process that was forked after it had been used.
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local uv = require "luv"
local wire = require "spec.support.wire"

local found, ffi = pcall(require, "ffi")

describe("the default client in a forked child", function()
  local service

  setup(function()
    service = simulator.spawn()
    uv.os_setenv("OPENHANDS_BASE_URL", service.address)
    uv.os_setenv("OPENHANDS_API_KEY", wire.key)
    openhands.close()
  end)

  teardown(function()
    openhands.close()
    uv.os_unsetenv "OPENHANDS_BASE_URL"
    uv.os_unsetenv "OPENHANDS_API_KEY"
    service:close()
  end)

  it("is another one, and leaves the parent's alone", function()
    if not found then
      return pending "needs a Lua that can fork"
    end
    ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]]
    assert(openhands.me())
    local child = ffi.C.fork()
    if child == 0 then
      local good, account = pcall(openhands.me)
      local again = good and account and openhands.count() == 0
      ffi.C._exit(again and 7 or 1)
    end
    local status = ffi.new "int[1]"
    assert.equal(child, ffi.C.waitpid(child, status, 0))
    assert.equal(7 * 256, status[0])
    assert(openhands.me())
    assert.equal(2, service:connections().accepted) -- one of each
  end)
end)
