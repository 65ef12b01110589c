-- The service does not list a conversation before it is ready. `get` with several ids reported such a conversation as
-- unknown.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

describe("several conversations asked for at once", function()
  it("include those that are starting", function()
    local client, conversation = in_process.started { api = "v1" }
    local found = assert(client:get { conversation, openhands.uuid() })
    assert.equal("starting", found[conversation.conversation_id].state)
  end)
end)
