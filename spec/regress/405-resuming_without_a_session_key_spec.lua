-- Resuming with a message waited for the session key of the sandbox until its deadline, although the message goes
-- through the service and needs no session key.

local in_process = require "spec.support.in_process"

describe("resuming", function()
  local function paused()
    local _, conversation, model = in_process.started { api = "v1" }
    model:advance(100)
    assert(conversation:pause())
    return conversation.conversation_id, model
  end

  it("does not wait for a session key that it does not need", function()
    local id, model = paused()
    local other = in_process.altered(model, "/app%-conversations$", function(answer)
      answer.body = answer.body:gsub('"session_api_key":"[^"]*"', '"session_api_key":null')
      return answer
    end)
    local before = model:time()
    assert(other:resume(id, { send = "go on" }))
    assert.is_true(model:time() - before < 60)
  end)
end)
