-- The service may refuse a message with HTTP status 200 and `"success": false`. The call reported success.

local assertions = require "spec.support.assertions"
local in_process = require "spec.support.in_process"

describe("a change that the service refuses with HTTP status 200", function()
  it("is a conflict", function()
    local _, conversation, model = in_process.started { api = "v1" }
    model:advance(100)
    local other = in_process.altered(model, "/send%-message$", function()
      return in_process.json '{"success":false,"sandbox_status":"RUNNING","message":"The agent is busy."}'
    end)
    local sent, err = other:send(conversation.conversation_id, "go on")
    assert.is_nil(sent)
    assert.equal("conflict", assertions.assert_error(err).kind)
    assert.matches("The agent is busy%.", err.message)
  end)
end)
