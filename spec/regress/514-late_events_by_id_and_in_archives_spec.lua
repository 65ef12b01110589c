-- The simulator sent an event by its id and in the archive of its conversation at once, although the option `event_lag`
-- still hid it from searches and counts. The service reads all of these from the same storage.

local simulated_service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

describe("a late event", function()
  local id, model, event = simulated_service.own_id, nil, nil

  local function get(target) return (simulated_service.send(model, "GET", target)) end

  -- Returns the ids of the event in the responses to all requests that name it.
  local function found()
    local own, public = "/api/v1/conversation/" .. id .. "/events?id=", "/api/shared-events"
    local events = {
      get(own .. event)[1], get(public .. "?conversation_id=" .. id .. "&id=" .. event)[1],
      get(public .. "/" .. id .. "/" .. event),
    }
    for index, each in ipairs(events) do events[index] = each ~= simulator.null and each.id end
    return events
  end

  before_each(function()
    model = simulator.model { event_lag = 1000 }
    simulated_service.send(model, "POST", "/api/v1/app-conversations", { conversation_id = id, public = true,
      initial_message = { content = { { type = "text", text = "Fix the typo." } } } })
    model:advance(70)
    event = model:find(simulated_service.own_hex).history:id(1)
  end)

  it("is not found by its id before searches show it", function()
    assert.are.same({ false, false, false }, found())
    model:advance(1000)
    assert.are.same({ event, event, event }, found())
  end)

  it("is not in the archive before searches show it", function()
    local function archive() return get("/api/v1/app-conversations/" .. id .. "/download") end
    assert.is_nil(archive():find(event, 1, true))
    model:advance(1000)
    assert.is_not_nil(archive():find(event, 1, true))
  end)

  it("is found by its id on the agent server at once", function()
    local conversation = get("/api/v1/app-conversations?ids=" .. id)[1]
    local path = conversation.conversation_url:match("^https?://[^/]+(.*)$")
    local headers = { ["x-session-api-key"] = conversation.session_api_key }
    assert.are.equal(event, simulated_service.send(model, "GET", path .. "/events/" .. event, nil, headers).id)
  end)
end)
