-- A batch without ids finds nothing and needs no request.

local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a batch without ids", function()
  for _, api in ipairs { "auto", "v1", "v0" } do
    it("is answered without a request: " .. api, function()
      local client, requests = in_process.scripted(function() return in_process.json("[]", 500) end, { api = api })
      local empty = {
        client:get {},
        client:wait_all {},
        client:all {},
      }
      for _, call in ipairs(api ~= "v0" and {
        function() return client:event_batch(ID, {}) end,
        function() return client:event_batch(ID, { event_id = {} }) end,
        function() return client.shared:event_batch(ID, {}) end,
        function() return client.shared:get {} end,
        function() return client.start_tasks:get {} end,
        function() return client.sandboxes:get {} end,
        function() return client.sandbox_specs:get {} end,
      } or {}) do
        local found, err = call()
        assert.is_nil(err)
        empty[#empty + 1] = found
      end
      if api ~= "v0" then empty[#empty + 1] = client:agent(ID):get {} end
      for place = 1, api == "v0" and 3 or 11 do assert.same({}, empty[place], "number " .. place) end
      assert.equal(0, #requests)
      client:close()
    end)
  end

  it("is still unsupported where the dialect lacks the call", function()
    local client, requests = in_process.scripted(function() return in_process.json("[]", 500) end, { api = "v0" })
    local _, err = client:event_batch(ID, {})
    assert.equal("unsupported", err.kind)
    assert.equal(0, #requests)
    client:close()
  end)
end)
