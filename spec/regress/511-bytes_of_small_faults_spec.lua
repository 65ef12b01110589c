-- The fault `huge` with fewer than 14 bytes announced them in Content-Length, but sent 64 KB more. Other faults with
-- impossible numbers of bytes sent too much, too, or ended the simulator.

local fault = require "openhands.simulator.fault"
local raw_client = require "spec.support.raw_client"
local simulator = require "openhands.simulator"

describe("the bytes of a fault", function()
  local function planned(action, bytes)
    local given = { point = "after_commit", action = action, bytes = bytes }
    fault.schedule { given }
    local plan, parts = fault.plan(given, { status = 200, headers = {}, body = "{}" }), {}
    for index, write in ipairs(plan.writes) do parts[index] = write.bytes:rep(write.times or 1) end
    return table.concat(parts)
  end

  it("are all that huge sends, from the smallest object on", function()
    for _, size in ipairs { 14, 15, 65549, 65550, 65551 } do
      local head, body = raw_client.parts(planned("huge", size))
      assert.are.same({ size, tostring(size) }, { #body, head:match "Content%-Length: (%d+)" })
      assert.matches('^{"padding":"x*"}$', body)
    end
  end)

  it("are refused where the action cannot send so few", function()
    for action, least in pairs {
      huge = 14, body_flood = 0, headers_flood = 0, drip = 1, no_length = 0, cut_gzip = 0,
    } do
      assert.has_no.errors(function() planned(action, least) end)
      for _, bytes in ipairs { least - 1, -5, -70000, 0 / 0, "many" } do
        local made, problem = pcall(planned, action, bytes)
        assert.are.same({ false, ("fault: the bytes of %s must be at least %d"):format(action, least) },
          { made, problem })
      end
    end
  end)

  it("are any text for raw", function()
    assert.are.equal("many", planned("raw", "many"))
  end)

  it("may be none, of headers and of preceding responses", function()
    local server = simulator.spawn { pace = 0.01 }
    server:faults { { point = "after_commit", action = "headers_flood", bytes = 0 } }
    local flood = raw_client.exchange(server.address, raw_client.ask).bytes
    server:faults { { point = "after_commit", action = "continue", times = 0 } }
    local settings = { enough = raw_client.end_of_account .. "$" }
    local continued = raw_client.exchange(server.address, raw_client.ask, settings).bytes
    server:close()
    assert.are.equal("HTTP/1.1 200 OK\r\n", flood)
    assert.matches("^HTTP/1.1 200 OK\r\n", continued)
  end)
end)
