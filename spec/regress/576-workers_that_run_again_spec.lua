-- A worker whose ledger had failed for good did nothing, without end, when it was run again.
local databases = require "spec.support.ledger_databases"
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

describe("a worker that has ended with an error of its ledger", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("works when it is run again", function(database)
    local client = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    local worker = assert(client:worker { ledger = database.address })
    local claim = worker.ledger.claim
    worker.ledger.claim = function()
      return nil, errors.new { kind = "ledger", message = "malformed", retryable = false }
    end
    assert.equal("ledger", select(2, worker:run(100)).kind)
    worker.ledger.claim = claim
    assert.error_matches(function() worker:run { timeout = 100 } end, "run: the time must be a number of seconds")
    assert.is_true(worker:run(100))
    assert.equal(1, assert(fleet:report()).done)
    worker:close()
    fleet:close()
  end)
end)
