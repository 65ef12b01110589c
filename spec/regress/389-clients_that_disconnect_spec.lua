-- The server of the simulator ended when a client closed its connection in the middle of a large answer.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local core_service = require "spec.support.core_service"

describe("the server of the simulator", function()
  local here = core_service.new { pace = 0.01 }

  teardown(function() here.server:close() end)
  before_each(here.reset)

  it("survives clients that disconnect in the middle of an answer", function()
    here.server:faults { {
      point = "after_commit",
      action = "headers_flood",
      bytes = 200000,
      match = { method = "POST" },
      count = -1,
    } }
    local client = here.handle()
    for _ = 1, 50 do
      local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 30 }))
      local results = core_client.collect(client, 1)
      assert.equal("protocol", results[number] and results[number].err.kind)
    end
    assert.equal(50, #here.server:starts())
    client:close()
  end)
end)
