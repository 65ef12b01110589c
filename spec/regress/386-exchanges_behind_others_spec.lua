-- A client opened at most ten connections to one server. Reads that were queued behind hanging starts did not end at
-- their own deadline.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local core_service = require "spec.support.core_service"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("an exchange", function()
  local here = core_service.new { pace = 0.01 }

  teardown(function() here.server:close() end)
  before_each(here.reset)

  it("does not wait for starts that hang", function()
    here.hang "POST"
    local client = here.handle(10)
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
    here.hang "GET"
    local client = here.handle(10)
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
    here.hang("GET", 1)
    local client = here.handle()
    assert(core.status(client, ID, { api = "v0", timeout = 60 }))
    for _ = 1, 100 do -- until the server has read the request
      client:step(0.01)
      if #here.server:requests() == 1 then
        break
      end
    end
    local number = assert(core.status(client, ID, { api = "v0", timeout = 30 }))
    local results = core_client.collect(client, 1)
    assert.equal(core.null, results[number] and results[number].value)
    client:close()
  end)
end)
