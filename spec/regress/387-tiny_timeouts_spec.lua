-- libcurl counts milliseconds and treats 0 as no timeout, so a timeout below one millisecond never ended.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local simulator = require "openhands.simulator"

local KEY = "any-key"

describe("a timeout below a millisecond", function()
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

  local function hang(count)
    service:faults { { point = "after_read", action = "hang", match = { method = "POST" }, count = count } }
  end

  it("ends the exchange", function()
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 1e-7 }))
    local results = core_client.collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    client:close()
  end)
end)
