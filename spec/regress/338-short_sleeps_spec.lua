-- In libuv's loop, a sleep of less than a millisecond never ended, because its time was over before the loop slept.

local openhands = require "openhands"
local uv = require "luv"

describe("a sleep outside of tasks on libuv's loop", function()
  it("ends however short it is, while the program listens for something else", function()
    local client = openhands.new { base_url = "http://127.0.0.1:1", api_key = "sk-canary", api = "v1", loop = "uv" }
    local listener, rescue, was_rescued = uv.new_tcp(), uv.new_timer(), false
    listener:bind("127.0.0.1", 0)
    listener:listen(1, function() end)
    rescue:start(5000, 0, function() was_rescued = true end)
    for _, seconds in ipairs { 0, 0.0001, 0.001, 0.002 } do
      for _ = 1, 5 do client:sleep(seconds) end
      assert.is_false(was_rescued, ("slept for ever instead of for %g s"):format(seconds))
    end
    rescue:close()
    listener:close()
    client:close()
    uv.run "nowait"
  end)
end)
