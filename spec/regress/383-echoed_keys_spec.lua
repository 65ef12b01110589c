-- A server that quotes the Authorization header in an error may write the key with JSON escapes, percent-encoded or in
-- base64. Only the plain spelling was redacted.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local KEY = "ab+cd=ef-0123456789"

describe("the API key", function()
  it("is redacted in every spelling in which a server may echo it", function()
    local client = core_client.new { api_key = KEY }
    local function quoted(body)
      local number = core.status(client, ID, { api = "v0" })
      local _, err = core_client.answer(client, number, core_client.json(body, 500))
      return err.detail.detail
    end
    assert.equal("[redacted]", quoted('{"detail":"' .. KEY .. '"}'))
    assert.equal("[redacted]", quoted('{"detail":"ab\\u002Bcd\\u003def-0123456789"}'))
    assert.equal("[redacted]", quoted('{"detail":"ab%2bcd%3Def-0123456789"}'))
    local base64 = {
      "YWIrY2Q9ZWYtMDEyMzQ1Njc4OQ==", -- the key
      "dTphYitjZD1lZi0wMTIzNDU2Nzg5", -- u:key
      "dXNlcjphYitjZD1lZi0wMTIzNDU2Nzg5", -- user:key
      "QmVhcmVyIGFiK2NkPWVmLTAxMjM0NTY3ODk=", -- Bearer key
    }
    for _, text in ipairs(base64) do
      local shown = quoted('{"detail":"' .. text .. '"}')
      assert.is_true(shown:find("[redacted]", 1, true) ~= nil and #shown <= 10 + #"QmVhcmVyI", shown)
    end
    client:close()
  end)
end)
