-- A start that was cancelled after an external transport had taken it was reported as not sent. It may have been sent,
-- so a new start could have started a second job.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a start that is cancelled", function()
  it("may have been done if the transport had taken it, else certainly not", function()
    local client = core_client.new()
    local number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
    client:outgoing()
    client:cancel(number)
    local _, _, err = client:next()
    assert.same({ "cancelled", "unknown" }, { err.kind, err.effect })
    number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
    client:cancel(number)
    _, _, err = client:next()
    assert.same({ "cancelled", "none" }, { err.kind, err.effect })
    client:close()
  end)
end)
