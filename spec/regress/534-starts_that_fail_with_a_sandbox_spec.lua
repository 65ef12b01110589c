-- A wait for a conversation whose start had failed, after its sandbox was made, looked for events for forty seconds,
-- although its start task tells why it failed, and nothing has run.
local in_process = require "spec.support.in_process"

describe("a wait for a start that fails", function()
  it("ends as soon as its start task tells why", function()
    local client, model = in_process.simulated { api = "v1" }
    local done = assert(client:run { initial_user_msg = "[simulate: start-error]" })
    assert.equal("failed", done.state)
    assert.truthy(done.detail)
    assert.truthy(done.sandbox_id)
    assert.is_true(model:time() < 30, model:time())
    for _, request in ipairs(model.requests) do assert.is_nil(request.path:find("events", 1, true), request.path) end
  end)
end)
