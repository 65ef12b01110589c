-- A transport that the program no longer uses must be collected together with its loop.

local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a transport that nothing holds", function()
  it("is collected together with its loop", function()
    local held = setmetatable({}, { __mode = "v" })
    local function use()
      local transport = simulator.transport(simulator.model())
      local client = openhands.new { transport = transport, api_key = "any" }
      client:spawn(client.sleep, client, 1):wait()
      held[1] = transport
    end
    use()
    collectgarbage()
    collectgarbage()
    assert.is_nil(held[1])
  end)
end)
