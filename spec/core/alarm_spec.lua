-- The alarm of a client of the core, for hosts without timers: seconds after which its descriptor becomes readable.
local has_sockets, sockets = pcall(require, "socket")
if not has_sockets then return end -- it is missing for some Luas, as copas is

local core = require "openhands.core"

local TIMEOUT = 30 -- seconds until a spec fails that waits for something that does not happen

describe("the alarm of a core", function()
  local handle

  before_each(function() handle = core.new { base_url = "http://127.0.0.1" } end)
  after_each(function() handle:close() end)

  local function is_readable()
    local object = { getfd = function() return handle:pollfd() end, dirty = function() return false end }
    return sockets.select({ object }, nil, 0)[1] ~= nil
  end

  it("makes the descriptor readable until the next step", function()
    assert.is_false(is_readable())
    local set_at = core.monotonic()
    handle:alarm(0.02)
    local left = handle:timeout()
    assert.is_true(left <= 0.02 and left >= math.min(0.02 - (core.monotonic() - set_at), 0.02) - 1e-6, left)
    local object = { getfd = function() return handle:pollfd() end, dirty = function() return false end }
    assert.are.equal(object, sockets.select({ object }, nil, TIMEOUT)[1])
    assert.are.equal(0, handle:timeout())
    assert.is_true(is_readable())
    handle:step(0)
    assert.is_nil(handle:timeout())
    assert.is_false(is_readable())
  end)

  it("can be replaced, and removed", function()
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

  it("that was set before anything watches the descriptor makes it readable, too", function()
    handle:alarm(0)
    assert.is_true(is_readable())
  end)

  it("ends the sleep of a step", function()
    handle:alarm(0.001)
    handle:step(0.1)
    assert.is_nil(handle:timeout())
  end)

  it("takes a number of seconds, at least 0", function()
    for _, wrong in ipairs { -1, 0 / 0, math.huge, "soon", true, {} } do
      assert.is_false(pcall(handle.alarm, handle, wrong))
    end
    handle:close()
    assert.is_false(pcall(handle.alarm, handle, 1))
  end)
end)
