-- A start that was taken over, and that the service refuses for good, was sent again and again without end.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("an item whose worker died before its start", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("fails when the service has refused it some times", function(database)
    local inner, posts = simulator.transport(simulator.model { api = "v1" }), 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if request.method == "POST" and request.path:find "conversations$" then
        posts = posts + 1
        return { status = 422, headers = { ["content-type"] = "application/json" },
          body = '{"detail":[{"loc":["body","x"],"msg":"bad","type":"value_error"}]}' }
      end
      return inner:request(request)
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2,
      retries = 0 }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    assert(fleet.ledger:claim { account_id = fleet.account_id, owner = "dead", token = "t", lease = 0 })
    local report = assert(fleet:run { timeout = 5000 })
    assert.equal("failed", report.runs[1].state)
    assert.matches("HTTP status 422", report.runs[1].error)
    assert.equal(3, posts)
    fleet:close()
  end)
end)
