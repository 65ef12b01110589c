-- The one descriptor of a client, in an event loop that steps the client only when the descriptor says so.
local core = require "openhands.core"
local uv = require "luv"
local core_service = require "spec.support.core_service"

local id = "0123456789abcdef0123456789abcdef"

describe("a client on the wire", function()
  local here = core_service.new()
  local server, new_handle, hang = here.server, here.handle, here.hang

  teardown(function() server:close() end)
  before_each(here.reset)

  describe("watched by another loop", function()
    -- Nobody steps unless the one descriptor says so.
    local function watched(submit, most)
      local handle = new_handle()
      local descriptor = handle:pollfd()
      assert.are.equal("number", type(descriptor))
      assert.are.equal("r", handle:events())
      local results, wakings, late = {}, 0, false
      local poll, alarm = uv.new_poll(descriptor), uv.new_timer()
      poll:start("r", function(problem)
        assert(not problem, problem)
        wakings = wakings + 1
        handle:step(0)
        local number, value, err = handle:next()
        while number do
          results[#results + 1] = { number = number, value = value, err = err }
          number, value, err = handle:next()
        end
      end)
      local count = submit(handle)
      uv.update_time() -- a timer counts from when the loop last looked at the clock
      alarm:start(60000, 0, function() late = true end)
      while #results < count and not late do uv.run "once" end
      poll:stop()
      poll:close() -- before the descriptor
      alarm:close()
      handle:close()
      uv.run "nowait"
      assert.is_false(late)
      assert.is_true(wakings <= most, wakings)
      return results
    end

    it("ends an exchange without a call of the program", function()
      local results = watched(function(handle)
        core.status(handle, id, { api = "v0" })
        return 1
      end, 50)
      assert.are.equal(core.null, results[1].value)
    end)

    it("ends forty exchanges", function()
      local results = watched(function(handle)
        for _ = 1, 40 do core.status(handle, id, { api = "v0" }) end
        return 40
      end, 1000)
      assert.are.equal(40, #results)
      for _, result in ipairs(results) do assert.are.equal(core.null, result.value) end
    end)

    it("ends an exchange without an answer at its timeout", function()
      hang()
      local results = watched(function(handle)
        core.status(handle, id, { api = "v0", timeout = 0.05 })
        assert.is_true(handle:timeout() == nil or handle:timeout() >= 0)
        return 1
      end, 200)
      assert.are.equal("timeout", results[1].err.kind)
    end)

    it("ends a cancelled exchange", function()
      hang()
      local handle = new_handle()
      local number = core.status(handle, id, { api = "v0" })
      handle:step(0)
      assert.is_true(handle:cancel(number))
      assert.are.equal(0, handle:timeout())
      assert.are.equal(number, (handle:next()))
      handle:close()
    end)
  end)
end)
