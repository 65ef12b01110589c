-- A list with more ids than one request allows is split into batches. In a client that did not know the dialect yet,
-- the check of the fields refused such a list.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

describe("more ids than fit into one request", function()
  it("are sent in batches by a client that does not know the dialect yet", function()
    local ids = {}
    for i = 1, 250 do ids[i] = openhands.uuid() end
    for _, ask in ipairs {
      function(client) return client.start_tasks:get(ids) end,
      function(client) return client:get(ids) end,
      function(client) return client:event_batch(ids[1], ids) end,
    } do
      local client, model = in_process.simulated {}
      assert.same({}, (assert(ask(client))))
      assert.equal(1 + 3, #model.requests)
    end
  end)
end)
