-- While the service did not show a start that it had answered a moment ago, `status`, `get` and `events` said that it
-- knows no such conversation, as if the start were lost.

local in_process = require "spec.support.in_process"

describe("a start that was answered a moment ago and that the service does not show", function()
  local client, conversation

  before_each(function()
    client = in_process.simulated { api = "v1", visibility = 1000 }
    conversation = assert(client:start { initial_user_msg = "x" })
  end)

  it("is starting", function()
    local id = conversation.conversation_id
    for _ = 1, 2 do
      local shown = assert(client:status(id))
      assert.same({ id, "starting", false, "v1" }, { shown.conversation_id, shown.state, shown.settled, shown.api })
      assert.equal("starting", assert(client:get { id })[id].state)
      assert(client:events(id):all())
      client:sleep(50)
    end
  end)

  it("is unknown after the grace time, or once it was deleted", function()
    client:sleep(61)
    local _, err = client:status(conversation)
    assert.equal("not_found", err.kind)
    local other = assert(client:start { initial_user_msg = "x" })
    client:_remember(other.conversation_id).deleted = true
    _, err = client:status(other)
    assert.equal("not_found", err.kind)
  end)
end)
