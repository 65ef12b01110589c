-- Several tasks may start a conversation with the same id at the same time. The service must get one request.

local in_process = require "spec.support.in_process"
local openhands = require "openhands"

describe("tasks that start the same conversation", function()
  it("send one request", function()
    local client, model = in_process.simulated { api = "v1", client_ids = false }
    local id, list = openhands.uuid(), {}
    for i = 1, 3 do
      list[i] = function() return client:start { initial_user_msg = "x", conversation_id = id } end
    end
    client:all(list)
    local posts = 0
    for _, request in ipairs(model.requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(1, posts)
  end)
end)
