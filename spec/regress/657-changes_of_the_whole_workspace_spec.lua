-- `conversation:changes()` was a mistake on V1, which needs a directory, and the only call on V0, which takes none: no
-- program could list the changes in both dialects.
local in_process = require "spec.support.in_process"

describe("changes without a directory", function()
  for _, api in ipairs { "v0", "v1" } do
    it("are those of the workspace on " .. api, function()
      local client = in_process.simulated { api = api }
      local conversation = assert(client:run { initial_user_msg = "Fix it.", repository = "owner/repo" })
      local changes = assert(conversation:changes())
      assert.same({ "PLAN.md", "README.md" }, { changes[1].path, changes[2].path })
      assert.same(changes, assert(client:changes(conversation.conversation_id, {}, { timeout = 5 })))
      client:close()
      local fresh = in_process.simulated { api = api }
      local _, err = fresh:changes "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
      assert.equal("not_found", err.kind)
      fresh:close()
    end)
  end

  it("may name a branch to compare with", function()
    local client, conversation, model = in_process.started { api = "v1" }
    model:advance(60)
    assert.equal(2, #assert(conversation:changes { ref = "main" }))
    assert.matches("ref=main", model.requests[#model.requests].query)
    assert.has_error(function() conversation:changes { reef = "main" } end)
    client:close()
  end)
end)
