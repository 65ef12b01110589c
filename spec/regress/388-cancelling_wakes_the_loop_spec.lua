-- A cancelled exchange has a result at once, but the descriptor did not become readable, so an event loop that watched
-- it continued to sleep.

local core = require "openhands.core"
local core_service = require "spec.support.core_service"
local uv = require "luv"

describe("an event loop that watches the descriptor", function()
  local here = core_service.new { pace = 0.01 }

  teardown(function() here.server:close() end)
  before_each(here.reset)

  it("is woken by a cancellation", function()
    here.hang "POST"
    local client = here.handle()
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 60 }))
    local woken, late
    local poll, guard = uv.new_poll(client:pollfd()), uv.new_timer()
    poll:start("r", function()
      client:step(0)
      woken = client:next() or woken
    end)
    uv.update_time() -- a timer counts from when the loop last looked at the clock
    guard:start(20000, 0, function()
      late = true
    end)
    client:cancel(number)
    -- One iteration at a time: an earlier user of the loop may have left a stop request in it.
    while not woken and not late do
      uv.run "once"
    end
    poll:stop()
    poll:close()
    guard:close()
    uv.run "nowait"
    assert.equal(number, woken)
    client:close()
  end)
end)
