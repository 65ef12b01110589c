-- Following events never ended in two cases: when no server could be reached from the beginning, and when events could
-- not be read although the conversation had ended.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

describe("following events", function()
  it("ends with an error when the service has never answered", function()
    local client = in_process.scripted(function() return { class = "connect", sent = false } end, { api = "v1" })
    local event, err = client:events(openhands.uuid(), { follow = true }):next()
    assert.is_nil(event)
    assert.equal("connect", err.kind)
  end)

  it("ends with an error when the events cannot be read and the conversation is over", function()
    local _, conversation, model = in_process.started { api = "v1" }
    local other = in_process.altered(model, "/events/search$", function()
      return { status = 500, headers = { { "Content-Type", "text/plain" } }, body = "Internal Server Error" }
    end)
    assert(other:status(conversation.conversation_id))
    local requests = #model.requests
    local event, err = other:events(conversation.conversation_id, { follow = true, interval = 5 }):next()
    assert.is_nil(event)
    assert.equal("server", err.kind)
    assert.is_true(#model.requests - requests < 200)
  end)
end)
