-- A fleet whose canaries had failed before they were canaries waited for them without end.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a fleet that gets canaries later", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("skips the rest if one of them has failed already", function(database)
    local client = in_process.simulated { api = "v1" }
    local function open(canary)
      return assert(client:fleet { name = "f", ledger = database.address, canary = canary, start_interval = 0 })
    end
    local fleet = open(nil)
    assert(fleet:add { key = "a", initial_user_msg = "[simulate: error]" })
    assert(fleet:run())
    assert(fleet:add { key = "b", initial_user_msg = "x" })
    fleet:close()
    fleet = open(1)
    local report = assert(fleet:run { timeout = 100 })
    assert.same({ 1, 1, 0 }, { report.failed, report.skipped, report.queued })
    fleet:close()
  end)
end)
