-- The status of a fleet with fewer slots than its account told only those of the account.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("the status of a fleet", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("tells the slots of the fleet, and those of the account if they are more", function(database)
    local client = in_process.simulated({ api = "v1" }, { api = "v1" })
    -- Returns the slots in the status of a fleet, and the words about them.
    local function status_of(slots)
      local fleet = assert(client:fleet { name = "f", ledger = database.address, slots = slots })
      local status = assert(fleet:status())
      fleet:close()
      return { status.fleet_slots, status.slots, tostring(status):match "^f: (.-), 0 runs" }
    end
    assert.same({ 2, 8, "0 of 2 slots used (8 for the account)" }, status_of(2))
    assert.same({ 2, 8, "0 of 2 slots used (8 for the account)" }, status_of(nil))
    assert.same({ 9, 9, "0 of 9 slots used" }, status_of(9))
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet.ledger:set_learned_slots { account_id = fleet.account_id, slots = 4 })
    fleet:close()
    assert.same({ 9, 4, "0 of 4 slots used" }, status_of(nil))
  end)
end)
