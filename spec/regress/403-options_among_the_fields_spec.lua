-- `follow` is one of the fields of `events`, so users put the options of following among the fields, too. They were
-- refused.

local in_process = require "spec.support.in_process"

describe("following events", function()
  it("takes its options among the fields, too", function()
    local client, conversation = in_process.started { api = "v1" }
    local _, err = client:events(conversation, { follow = true, timeout = 1, interval = 0.5 }):all()
    assert.equal("timeout", err.kind)
  end)
end)
