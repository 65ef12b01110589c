-- libcurl counts milliseconds and treats 0 as no timeout, so a timeout below one millisecond never ended.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local core_service = require "spec.support.core_service"

describe("a timeout below a millisecond", function()
  local here = core_service.new { pace = 0.01 }

  teardown(function() here.server:close() end)
  before_each(here.reset)

  it("ends the exchange", function()
    here.hang "POST"
    local client = here.handle()
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 1e-7 }))
    local results = core_client.collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    client:close()
  end)
end)
