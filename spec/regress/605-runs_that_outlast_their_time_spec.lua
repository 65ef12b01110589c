-- A run with a timeout did not end while the database of the ledger was away.
local databases = require "spec.support.ledger_databases"
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

describe("a run of a fleet whose ledger cannot be written", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("ends in time, with the error of the ledger, and goes on later", function(database)
    local client, model = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    local tries = 0
    fleet.ledger.claim = function()
      tries = tries + 1
      assert(tries < 1000)
      return nil, errors.new { kind = "ledger", message = "the disk is full", retryable = true }
    end
    local began = client:_now()
    local report, err = fleet:run { timeout = 100 }
    assert.same({ nil, "ledger", "the disk is full" }, { report, err.kind, err.message })
    assert.is_true(client:_now() - began < 101)
    assert.equal(0, #model.starts)
    fleet.ledger.claim = nil
    assert.equal(1, assert(fleet:run()).done)
    fleet:close()
  end)
end)
