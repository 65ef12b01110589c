-- `openhands-lua simulate` gives the key "simulated", with which the ids of sandboxes began: a client redacts its key
-- in all texts for people, so the reason of a failed start named half of an id.

local in_process = require "spec.support.in_process"

describe("the reason of a start that failed", function()
  it("names the whole sandbox for a client with the simulator's key", function()
    local client = in_process.simulated({ api = "v1" }, { api_key = "simulated" })
    local failed = assert(client:run { initial_user_msg = "x [simulate: start-error]" })
    assert.matches("within 120s: %a+%d+$", failed.detail)
    assert.equal(failed.detail, client._core:redact(failed.detail)) -- as the command and displays show it
    client:close()
  end)
end)
