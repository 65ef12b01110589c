-- The search for pull requests reads the events of a conversation page by page. Each page got the whole deadline of the
-- call instead of the time that was left.

local in_process = require "spec.support.in_process"

describe("the search for pull requests", function()
  it("ends at the deadline of the call", function()
    local client, conversation, model = in_process.started { api = "v1", event_count = 100000 }
    model:advance(100)
    local other = in_process.altered(model, "/events/search$", function() model:advance(3) end)
    local before = model:time()
    local links, err = other:find_pull_requests(conversation.conversation_id, { deadline = 10 })
    assert.is_nil(links)
    assert.equal("timeout", err.kind)
    assert.is_true(model:time() - before < 20)
    client:close()
  end)
end)
