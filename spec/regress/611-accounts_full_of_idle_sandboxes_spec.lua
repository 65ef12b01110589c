-- A fleet started nothing, for ever, on an account where eight sandboxes of ended conversations were up, which is as
-- many as an account without a known limit may have, although the service allowed more.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a fleet on an account full of other sandboxes", function()
  local with_ledger = databases.specs(it, pending, after_each)

  -- Returns a fleet of three items, and the model of a service where so many sandboxes of others are up.
  local function fleet_beside(database, others, options)
    local model = simulator.model { api = "v1" }
    local client = openhands.new { transport = simulator.transport(model), api_key = "any", api = "v1", grace = 2 }
    for _ = 1, others do
      assert(client:run { initial_user_msg = "Try it." })
    end
    options.name, options.ledger = "f", database.address
    local fleet = assert(client:fleet(options))
    for place = 1, 3 do
      assert(fleet:add { key = "k" .. place, initial_user_msg = "Fix it." })
    end
    return fleet, model
  end

  with_ledger("starts one run at a time while no limit of the service is known", function(database)
    local fleet, model = fleet_beside(database, 8, { slots = 2, after = "leave" })
    assert.equal(3, assert(fleet:run { timeout = 3600 }).done)
    for place = 10, 11 do
      assert.is_true(model.starts[place].time - model.starts[place - 1].time >= 60) -- a conversation takes a minute
    end
    fleet:close()
  end)

  with_ledger("starts nothing where the service has told its limit", function(database)
    local fleet, model = fleet_beside(database, 8, { slots = 8 })
    assert(fleet.ledger:set_learned_slots { account_id = fleet.account_id, slots = 8 })
    assert.equal("timeout", select(2, fleet:run { timeout = 600 }).kind)
    assert.equal(8, #model.starts)
    fleet:close()
  end)

  with_ledger("starts nothing where all slots are to be kept free", function(database)
    local fleet, model = fleet_beside(database, 0, { slots = 2, reserve = 8 })
    assert.equal("timeout", select(2, fleet:run { timeout = 600 }).kind)
    assert.equal(0, #model.starts)
    fleet:close()
  end)
end)
