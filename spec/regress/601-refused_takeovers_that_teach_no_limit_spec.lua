-- A start that was taken over, and refused because too many conversations were at work, taught the account no limit.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("an item whose worker died before its start", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("teaches the limit with which the service refuses it", function(database)
    local refusals = 0
    local inner = simulator.transport(simulator.model { api = "v1" })
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if request.method ~= "POST" or not request.path:find "conversations$" then return inner:request(request) end
      refusals = refusals + 1
      return { status = 429, headers = { ["content-type"] = "application/json" },
        body = '{"detail":{"error":"CONCURRENCY_LIMIT_REACHED","message":"Too many.","limit":2}}' }
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2,
      retries = 0 }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    assert(fleet.ledger:claim { account_id = fleet.account_id, owner = "dead", token = "t", lease = 0 })
    assert.equal("timeout", select(2, fleet:run { timeout = 100 }).kind)
    assert.is_true(refusals >= 1)
    assert.equal(2, assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" }).learned_slots)
    fleet:close()
  end)
end)
