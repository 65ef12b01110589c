-- Resuming with a message waited for the session key of the sandbox until its deadline, although the message goes
-- through the service and needs no session key.

local in_process = require "spec.support.in_process"

describe("resuming", function()
  it("does not wait for a session key that it does not need", function()
    local id, model = in_process.paused()
    local other = in_process.altered(model, "/app%-conversations$", function(answer)
      answer.body = answer.body:gsub('"session_api_key":"[^"]*"', '"session_api_key":null')
      return answer
    end)
    local before = model:time()
    assert(other:resume(id, { send = "go on" }))
    assert.is_true(model:time() - before < 60)
  end)
end)
