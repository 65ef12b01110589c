-- A wait looked again at a conversation that had fallen asleep. If the service said nothing more by the end of its
-- time, it asked for ever: each silent request counted as one that another wait had cut short.
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a wait whose time ends while it looks again at a conversation that fell asleep", function()
  -- Returns what a wait returns after so many seconds, how late that is, and the requests that got no answer. The
  -- service is silent after the first look at the events.
  local function waited(call, timeout)
    local model = simulator.model { api = "v1", event_lag = 1000, outcome = "paused" }
    local inner, is_silent, silent = simulator.transport(model), false, 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if is_silent then
        silent = silent + 1
        assert(silent < 50, "the wait does not end")
        model:advance(1)
        return { class = "timeout", sent = true }
      end
      is_silent = request.path:find "/events/search$" ~= nil and model:conversations()[1].sandbox_status == "PAUSED"
      return inner:request(request)
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    local started = assert(client:start { initial_user_msg = "x" })
    local began = model:time()
    local list = assert(client[call](client, call == "wait" and started or { started }, { timeout = timeout }))
    return list[1] or list, model:time() - began - timeout, silent
  end

  for _, call in ipairs { "wait", "wait_all", "wait_any" } do
    it(("ends in time with what is known (%s)"):format(call), function()
      for _, timeout in ipairs { 42, 45, 60, 70 } do
        local conversation, late, silent = waited(call, timeout)
        assert.equal("paused", conversation.state)
        assert.is_true(late <= 3 and silent < 20, late)
      end
    end)
  end
end)
