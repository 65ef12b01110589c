-- After a message whose answer was lost, a wait took the end of the previous turn for the end of this one. The message
-- may have arrived, and then the agent is working.

local in_process = require "spec.support.in_process"

describe("a wait after a message of which it is unknown whether it arrived", function()
  it("waits as for one that arrived", function()
    local client, conversation, _, transport = in_process.started { api = "v1" }
    assert(conversation:wait())
    transport.faults = { { point = "after_commit", class = "timeout", match = { path = "/send%-message$" } } }
    local sent, err = conversation:send "go on"
    assert.is_nil(sent)
    assert.equal("ambiguous", err.kind)
    local done = assert(client:wait(conversation))
    assert.same({ "finished", true }, { done.state, done.answer ~= nil })
  end)
end)
