-- The handle of libcurl is used again for the next request. Properties of the previous answer were applied to the next
-- one.

local core = require "openhands.core"
local peer = require "spec.support.raw_server"

local id = "0123456789abcdef0123456789abcdef"

describe("a read after an error answer longer than what is read of it", function()
  it("is judged by its own answer", function()
    local asked = 0
    local server = peer.new(function()
      asked = asked + 1
      if asked == 1 then return peer.answer(('"%s"'):format(("x"):rep(5000)), nil, "404 Not Found") end
      return peer.answer(('{"conversation_id":%q,"status":"RUNNING"}'):format(id))
    end)
    local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789", max_body = 1000 }
    local _, err = peer.await(client, core.status(client, id, { api = "v0" }))
    assert.are.equal("not_found", err.kind)
    for _ = 1, 2 do
      local value, problem = peer.await(client, core.status(client, id, { api = "v0" }))
      assert.is_nil(problem, problem and problem.kind)
      assert.are.equal(id, value.conversation_id)
    end
    client:close()
    server:close()
  end)
end)
