-- `fleet:add` kept and returned the runs of all items, also of an iterator over a hundred thousand.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("fleet:add", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("returns how many items are new, and the runs of a list only", function(database)
    local client = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    local list = { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x" } }
    local added = assert(fleet:add(list))
    assert.same({ 2, 0, "a", "b" }, { added.added, added.known, added[1].key, added[2].key })
    assert.equal("a: queued", tostring(added[1]))
    list[3] = { key = "c", initial_user_msg = "x" }
    added = assert(fleet:add(list))
    assert.same({ 1, 2, 3 }, { added.added, added.known, #added })
    added = assert(fleet:add({ key = "{name}", initial_user_msg = "x" }, { { name = "d" } }))
    assert.same({ 1, 0, 1 }, { added.added, added.known, #added })
    local place = 0
    local function following()
      place = place + 1
      return place <= 500 and { key = "k" .. place, initial_user_msg = "x" } or nil
    end
    added = assert(fleet:add(following))
    assert.same({ 500, 0, 0 }, { added.added, added.known, #added })
    fleet:close()
  end)
end)
