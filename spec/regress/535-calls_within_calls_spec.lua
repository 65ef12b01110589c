-- A debug hook, e.g. the handler of a signal, made a call while another call waited alone. The inner call took the
-- result of the outer one from the core and dropped it: the outer one waited for ever.

local openhands = require "openhands"
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"

describe("a call during which a debug hook runs", function()
  local server, client, conversation

  setup(function() server = simulator.spawn() end)
  teardown(function() server:close() end)

  before_each(function()
    client = openhands.new { base_url = server.address, api_key = canary.key, api = "v1", loop = "plain" }
    conversation = assert(client:start { initial_user_msg = "x" })
  end)

  after_each(function()
    debug.sethook()
    client:close()
  end)

  -- Runs a function when the next call has been handed to the core and is about to wait. An endless wait fails.
  local function when_waiting(place, run)
    local step = client._core.step
    local has_run, steps = false, 0
    debug.sethook(function()
      local callee = debug.getinfo(2, "f").func
      if callee == place and not has_run then
        has_run = true
        run()
      elseif callee == step then
        steps = steps + 1
        if steps > 50 then
          debug.sethook()
          error "the call never ends"
        end
      end
    end, "c")
  end

  for _, name in ipairs { "_await_end", "finish" } do
    it("gets its result, also if the hook makes a call: " .. name, function()
      local inner
      when_waiting(name == "finish" and client._core.finish or client._await_end, function()
        repeat
          client._core:step(0.1)
        until client._core:in_flight() == 0 -- the inner call finds the result of the outer one
        server:faults { { point = "after_commit", action = "delay", seconds = 0.05, times = 1 } }
        inner = assert(client:status(conversation))
      end)
      local outer = assert(client:status(conversation))
      debug.sethook()
      assert.equal(conversation.id, inner.id)
      assert.equal(conversation.id, outer.id)
      assert.same({ 0, false }, { client._core:in_flight() })
      assert.is_nil(next(client._waiting))
      assert.equal(conversation.id, assert(client:status(conversation)).id)
    end)
  end

  it("returns an error of kind closed if a hook closes the client just before", function()
    local exchange = client._await_end
    debug.sethook(function()
      if debug.getinfo(2, "f").func == exchange then
        debug.sethook()
        client:close()
      end
    end, "c")
    local status, err = client:status(conversation)
    debug.sethook()
    assert.is_nil(status)
    assert.equal("closed", err.kind)
  end)
end)
