-- An answer could not be read if it contained a date that the clock of the host cannot represent.

local in_process = require "spec.support.in_process"

describe("a conversation with a date that no clock can hold", function()
  it("is read all the same", function()
    local client = in_process.scripted(function()
      return in_process.json('{"conversation_id":"abc","status":"STOPPED","created_at":"1900-12-31T23:59:59Z"}')
    end, { api = "v0" })
    assert.equal("abc", assert(client:status "abc").conversation_id)
  end)
end)
