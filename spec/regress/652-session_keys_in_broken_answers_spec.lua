-- A session key in an answer that was cut off, or was a text, was not learnt if a line break or a tab stood before it.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local KEY = "session-canary-0123456789"

describe("a session key in a text that is no JSON", function()
  it("is known, whatever blanks stand before it", function()
    for _, between in ipairs { ":", ": ", " : ", ":\n", ":\r\n\t\t", "\n:\n", ":" .. (" "):rep(100) } do
      for _, content_type in ipairs { "application/json", "text/plain" } do
        local client = core_client.new()
        core_client.answer(client, assert(core.request(client, { path = "/x" }, {})), {
          status = 200, content_type = content_type, body = ('{"session_api_key"%s"%s"'):format(between, KEY),
        })
        assert.equal("the key [redacted]", client:redact("the key " .. KEY), ("%q"):format(between))
        client:close()
      end
    end
  end)
end)
