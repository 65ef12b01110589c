-- The server of the simulator ended when a client closed its connection in the middle of a large answer.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local simulator = require "openhands.simulator"

local KEY = "any-key"

describe("the server of the simulator", function()
  local service

  setup(function()
    service = simulator.spawn { pace = 0.01 }
  end)

  teardown(function()
    service:close()
  end)

  before_each(function()
    service:reset()
  end)

  it("survives clients that disconnect in the middle of an answer", function()
    service:faults { {
      point = "after_commit",
      action = "headers_flood",
      bytes = 200000,
      match = { method = "POST" },
      count = -1,
    } }
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 50 do
      local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 30 }))
      local results = core_client.collect(client, 1)
      assert.equal("protocol", results[number] and results[number].err.kind)
    end
    assert.equal(50, #service:starts())
    client:close()
  end)
end)
