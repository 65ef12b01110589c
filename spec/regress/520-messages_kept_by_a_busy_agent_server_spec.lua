-- An agent server keeps a message that it answers with 429: it has no room to run the agent now. The library took the
-- 429 for a refusal and sent the message again.

local assertions = require "spec.support.assertions"
local in_process = require "spec.support.in_process"

describe("a message that an agent server answers with 429", function()
  it("is sent once, and its outcome is unknown", function()
    local _, conversation, model = in_process.started { api = "v1" }
    model:advance(100)
    local count = 0
    local client = in_process.altered(model, "/events$", function(_, request)
      if request.method ~= "POST" then return nil end
      count = count + 1
      return in_process.json('{"detail":"Message saved, but no capacity to run"}', 429)
    end)
    local sent, err = client:agent(conversation.conversation_id):send "Go on."
    assert.is_nil(sent)
    assertions.assert_error(err)
    assert.same({ "ambiguous", "unknown", "throttled", 1 }, { err.kind, err.effect, err.cause, count })
  end)
end)
