-- A map with a name raised an error about a number value where an item was a fraction.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a map with a name over fractions", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("takes them as keys", function(database)
    local client = in_process.simulated { api = "v1" }
    local results = assert(client:map({ 1.5, 2 }, function() return { initial_user_msg = "x" } end,
      { name = "m", ledger = database.address }))
    assert.same({ "1.5", "2" }, { results[1].key, results[2].key })
  end)
end)
