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
end)
