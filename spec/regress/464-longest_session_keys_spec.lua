-- A session key of the greatest length was shown in texts: the client had not learnt it from the answer.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a session key that an answer contains", function()
  it("is shown in no text, up to the greatest length of a key", function()
    local most = core.limits.key_bytes
    for _, length in ipairs { 8, most - 1, most } do
      local client, key = core_client.new(), ("Key-0123"):rep(length):sub(1, length)
      local answer = ('[{"session_api_key": "%s"}]'):format(key)
      assert(core_client.answer(client, core.status(client, ("0"):rep(32), { api = "v1" }), core_client.json(answer)))
      assert.equal("a [redacted] b", client:redact_line("a " .. key .. " b"))
      client:close()
    end
  end)
end)
