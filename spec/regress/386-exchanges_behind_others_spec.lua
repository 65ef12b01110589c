-- A client opens at most ten connections to one server. Reads that were queued behind hanging starts did not end at
-- their own deadline.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local simulator = require "openhands.simulator"

local KEY = "any-key"
local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("an exchange", function()
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

  it("does not wait for starts that hang", function()
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 12 do
      assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 60 }))
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 30 }))
    local results = core_client.collect(client, 1)
    assert.equal(core.null, results[number] and results[number].value)
    assert.equal(12, client:in_flight())
    client:close()
  end)

  it("that finds no connection free ends at its own deadline", function()
    service:faults { { point = "after_read", action = "hang", match = { method = "GET" }, count = -1 } }
    local client = core.new { base_url = service.address, api_key = KEY }
    for _ = 1, 10 do
      assert(core.status(client, ID, { api = "v0", timeout = 60 }))
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 0.2 }))
    local results = core_client.collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    assert.equal(10, client:in_flight())
    client:close()
  end)

  it("does not wait for the answer to another", function()
    service:faults { { point = "after_read", action = "hang", match = { method = "GET" }, count = 1 } }
    local client = core.new { base_url = service.address, api_key = KEY }
    assert(core.status(client, ID, { api = "v0", timeout = 60 }))
    for _ = 1, 100 do -- until the server has read the request
      client:step(0.01)
      if #service:requests() == 1 then
        break
      end
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 30 }))
    local results = core_client.collect(client, 1)
    assert.equal(core.null, results[number] and results[number].value)
    client:close()
  end)
end)
