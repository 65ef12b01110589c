-- A fleet that Ctrl-C had interrupted was closed with its leases: the next process waited until they had expired.
local budgets = require "openhands.fleet.budget"
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a fleet that is closed after an error has ended its run", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("leaves its runs to the next process at once", function(database)
    local model = simulator.model { api = "v1" }
    local function open()
      local client = openhands.new { transport = simulator.transport(model), api_key = "any", api = "v1", grace = 2 }
      return assert(client:fleet { name = "f", ledger = database.address, lease = 100000 }), client
    end
    local fleet = open()
    assert(fleet:add { key = "a", initial_user_msg = "Fix it." })
    local check, looks = budgets.check, 0
    function budgets.check(...)
      looks = looks + 1
      if looks > 5 then error("interrupted!", 0) end
      return check(...)
    end
    local good, problem = pcall(fleet.run, fleet)
    budgets.check = check
    assert.same({ false, "interrupted!", 1 }, { good, problem, #model.starts })
    fleet:close()
    local again, client = open()
    local began = client:_now()
    assert.equal(1, assert(again:run { timeout = 5000 }).done)
    assert.is_true(client:_now() - began < 1000)
    assert.equal(1, model:jobs())
    again:close()
  end)
end)
