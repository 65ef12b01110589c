-- `openhands-lua list` printed the ids of V1 without dashes, `start` with them: a script did not find its conversation.
local identifiers = require "openhands.command_line.identifier"
local records = require "openhands.command_line.records"

describe("the id of a conversation", function()
  local dashed, plain = "82113e2d-cf94-4a1b-9c3d-0123456789ab", "82113e2dcf944a1b9c3d0123456789ab"

  it("has one spelling on V1, whatever the service sends", function()
    for _, sent in ipairs { dashed, plain } do
      assert.equal(dashed, identifiers.of { conversation_id = sent, api = "v1" })
      assert.equal(dashed, records.conversation({ conversation_id = sent, api = "v1" }).conversation_id)
    end
  end)

  it("stays as it is otherwise", function()
    assert.equal(plain, identifiers.of { conversation_id = plain, api = "v0" })
    assert.equal("abc1234", identifiers.of { conversation_id = "abc1234", api = "v1" })
    assert.equal(("x"):rep(32), identifiers.of { conversation_id = ("x"):rep(32), api = "v1" })
  end)
end)
