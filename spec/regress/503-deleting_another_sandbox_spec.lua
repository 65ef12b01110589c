-- To delete a sandbox, the service requires its id in the path and in the query, and uses only the one in the query.
-- The simulator used the one in the path: a client that sent two ids deleted another sandbox there than in the service.

local simulated_service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

describe("deleting a sandbox", function()
  local model, one, other

  local function call(method, target) return simulated_service.send(model, method, "/api/v1/sandboxes" .. target) end

  local function status(id) return call("GET", "?id=" .. id)[1].status end

  before_each(function()
    model = simulator.model()
    one, other = call("POST", "").id, call("POST", "").id
    model:advance(10)
  end)

  it("deletes the one in the query", function()
    assert.are.same({ success = true }, (call("DELETE", "/" .. one .. "?sandbox_id=" .. other)))
    assert.are.equal("RUNNING", status(one))
    assert.are.equal("MISSING", status(other))
  end)

  it("fails if there is none with the id in the query", function()
    assert.are.equal(404, select(2, call("DELETE", "/" .. one .. "?sandbox_id=nothing")).status)
    assert.are.equal("RUNNING", status(one))
  end)

  it("requires the id in the query", function()
    assert.are.equal(422, select(2, call("DELETE", "/" .. one)).status)
    assert.are.equal("RUNNING", status(one))
  end)
end)
