-- The simulator showed the events of a public conversation at once, although the option `event_lag` hid them from the
-- conversation's own searches and counts. The service reads both from the same storage.

local simulated_service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

describe("late events of a public conversation", function()
  local id, model = simulated_service.own_id, nil

  local function get(target) return (simulated_service.send(model, "GET", target)) end

  local function started(options)
    model = simulator.model(options)
    simulated_service.send(model, "POST", "/api/v1/app-conversations", { conversation_id = id, public = true,
      initial_message = { content = { { type = "text", text = "Fix the typo." } } } })
    model:advance(70)
  end

  -- Returns the count and the number of events found, of the public and of the conversation's own events.
  local function shown(filter)
    local public, own = "/api/shared-events/%s?conversation_id=" .. id, "/api/v1/conversation/" .. id .. "/events/%s?"
    local numbers = {}
    for index, path in ipairs { public, own } do
      numbers[index] = { get(path:format "count" .. filter), #get(path:format "search" .. filter).items }
    end
    return numbers[1], numbers[2]
  end

  it("are hidden as long as its own", function()
    started { event_lag = 1000 }
    assert.are.same({ 0, 0 }, (shown ""))
    model:advance(1000)
    local public, own = shown ""
    assert.is_true(public[1] > 0 and public[1] == public[2])
    assert.are.same(own, public)
  end)

  it("are hidden in part, whatever the bounds of the request", function()
    started { event_lag = 50 }
    local every = model:find(simulated_service.own_hex).history:count()
    for _, bound in ipairs { "", "&timestamp__lt=2030-01-01T00:00:00", "&timestamp__gte=2020-01-01T00:00:00",
      "&sort_order=TIMESTAMP_DESC" } do
      local public, own = shown(bound)
      assert.is_true(public[1] > 0 and public[1] < every)
      assert.are.same(own, public)
    end
  end)

  it("stay behind an earlier bound of the request", function()
    started { event_lag = 1 }
    local public, own = shown "&timestamp__lt=2026-08-20T09:15:14.002"
    assert.are.same({ 1, 1 }, public)
    assert.are.same(own, public)
  end)
end)
