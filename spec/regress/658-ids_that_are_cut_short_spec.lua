-- The error about an id that V1 cannot have did not say what to do.
local in_process = require "spec.support.in_process"

describe("an id that is no UUID", function()
  it("is refused on V1 with advice", function()
    local client, model = in_process.simulated { api = "v1" }
    for _, call in ipairs { "status", "wait" } do
      local conversation, err = client[call](client, "7f3b9a1c-2d4e-4f60")
      assert.same({ nil, "invalid", "none" }, { conversation, err.kind, err.effect })
      assert.equal(call .. ": 'conversation_id' is '7f3b9a1c-2d4e-4f60', which is not a UUID, and this API has no "
        .. "other ids: check that it is complete (v1)", tostring(err))
    end
    for _, request in ipairs(model.requests) do assert.is_nil(request.path:find("7f3b9a1c", 1, true)) end
    client:close()
  end)
end)
