-- Who opened a fleet only to look at it set its slots to the default, under the program that runs it.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a fleet that is opened without its limits", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("keeps those that it has", function(database)
    local client = in_process.simulated { api = "v1" }
    local function slots_of(slots)
      local fleet = assert(client:fleet { name = "f", ledger = database.address, slots = slots })
      local row = assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" })
      fleet:close()
      return row.slots, row.account_slots
    end
    assert.same({ 8, 8 }, { slots_of(nil) })
    assert.same({ 2, 8 }, { slots_of(2) })
    assert.same({ 2, 8 }, { slots_of(nil) })
    assert.same({ 20, 20 }, { slots_of(20) })
    assert.same({ 20, 20 }, { slots_of(nil) })
  end)
end)
