-- A run that had not ended in twelve hours was given up while its conversation went on, in a slot that counted as free.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a run whose conversation does not end", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("is paused when it is given up", function(database)
    local client = in_process.simulated { api = "v1", pace = 2000 }
    local fleet = assert(client:fleet { name = "f", ledger = database.address, after = "leave", interval = 600,
      lease = 7200 })
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    local run = assert(fleet:run()).runs[1]
    assert.same({ "failed", "it has not ended in 12 hours" }, { run.state, run.error })
    assert.equal("paused", assert(client:get { run.conversation_id })[run.conversation_id].state)
    fleet:close()
  end)
end)
