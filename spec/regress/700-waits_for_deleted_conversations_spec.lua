-- A wait for a conversation that the same client had deleted looked for it for a minute, as if the service hid it for a
-- moment; one with less time said that it goes on.
local in_process = require "spec.support.in_process"

describe("a wait for a conversation that this client has deleted", function()
  for _, api in ipairs { "v0", "v1" } do
    it("ends with the first answer of " .. api, function()
      local client = in_process.simulated({ api = api }, { api = api })
      local done = assert(client:run { initial_user_msg = "x" })
      assert(client:delete(done))
      local began = client:_now()
      for _, wait in ipairs {
        function() return client:wait(done, { timeout = 3 }) end,
        function() return client:wait(done) end,
        function() return client:wait_any { done } end,
        function() return client:wait_all { done } end,
      } do
        local value, err = wait()
        assert.is_nil(value)
        assert.equal("not_found", err.kind)
      end
      assert.is_true(client:_now() - began < 5, client:_now() - began)
    end)
  end

  it("goes on if it was started again", function()
    local client = in_process.simulated({ api = "v1", visibility = 2 }, { api = "v1" })
    local id = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
    local done = assert(client:run { initial_user_msg = "x", conversation_id = id })
    assert(client:delete(done))
    local again = assert(client:start { initial_user_msg = "x", conversation_id = id })
    assert.equal("finished", assert(client:wait(again)).state)
  end)
end)
