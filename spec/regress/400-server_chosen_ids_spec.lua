-- A server from before client-chosen ids gives a conversation an id of its own. Calls with the id that the start had
-- returned found nothing.

local assertions = require "spec.support.assertions"
local in_process = require "spec.support.in_process"

describe("a conversation to which an old server gave an id of its own", function()
  it("is also known by the id that was chosen for it", function()
    local client, first = in_process.started { api = "v1", client_ids = false, old = true }
    local done = assert(client:wait(first.conversation_id))
    assert.are_not.equal(assertions.comparable_id(first.conversation_id),
      assertions.comparable_id(done.conversation_id))
    assert.equal(#done:events():all(), #first:events():all())
    assert.is_true(#first:events():all() > 0)
    assert.equal(done.answer, assert(first:fetch_answer()))
    assert.equal(assert(done:event_count()), assert(first:event_count()))
    assert(first:send "go on")
    assert.equal("finished", assert(first:wait()).state)
    assert(first:agent():info())
    assert.is_true((first:delete()))
  end)
end)
