-- A wait with an `interval` of 0 looked again without a pause at a conversation that had fallen asleep: hundreds of
-- requests a second, and in virtual time for ever. The same for an answer that the service did not show yet.
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a wait with an interval of 0", function()
  -- Waits for a conversation whose events the service shows too late. Returns its state, and how many requests for its
  -- events were sent.
  local function waited(outcome)
    local model = simulator.model { api = "v1", event_lag = 1000, outcome = outcome }
    local inner, count = simulator.transport(model), 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if request.path:find "/events/search$" then
        count = count + 1
        assert(count < 5000, "the wait does not end")
        local is_own = not request.path:find "^/api/v1/"
        if is_own then return { class = "connect", sent = false } end
      end
      return inner:request(request)
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    local done = assert(client:run({ initial_user_msg = "[simulate: " .. outcome .. "]" }, { interval = 0 }))
    return done.state, count
  end

  for _, outcome in ipairs { "paused", "finished" } do
    it(("reads the events ever more rarely, and ends (%s)"):format(outcome), function()
      local state, count = waited(outcome)
      assert.same({ outcome, true }, { state, count < 60 }, count)
    end)
  end
end)
