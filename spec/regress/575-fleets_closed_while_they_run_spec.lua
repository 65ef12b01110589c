-- Closing a fleet while it ran raised errors in `run`; `stop` waited for all that was live.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

describe("a fleet that runs", function()
  local with_ledger = databases.specs(it, pending, after_each)

  local function open(database)
    local client = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address, slots = 1, start_interval = 0 })
    assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x" } })
    return fleet, client
  end

  with_ledger("can be closed by a callback", function(database)
    local fleet = open(database)
    local report = assert(fleet:run { on_done = function() fleet:close() end })
    assert.same({ 1, 1 }, { report.done, report.queued })
    assert.has_error(function() fleet:report() end)
  end)

  with_ledger("can be closed by another task, and lets go of its runs", function(database)
    local fleet, client = open(database)
    local task = client:spawn(fleet.run, fleet)
    client:sleep(5)
    fleet:close()
    local report = assert(task:wait())
    assert.same({ 1, 1 }, { report.live, report.queued })
    local next_fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert.equal(2, assert(next_fleet:run { timeout = 600 }).done)
    next_fleet:close()
  end)

  with_ledger("can be stopped, and run again", function(database)
    local fleet = open(database)
    local report = assert(fleet:run { on_change = function(run)
      if run.state == "running" then fleet:stop() end
    end })
    assert.same({ 0, 1 }, { report.done, report.live })
    assert.equal(2, assert(fleet:run { timeout = 600 }).done)
    fleet:close()
  end)

  with_ledger("can be run again, and closed, after an error has ended a run", function(database)
    local fleet = open(database)
    fleet.ledger.remaining = function() error("interrupted!", 0) end
    assert.has_error(function() fleet:run() end, "interrupted!")
    fleet.ledger.remaining = nil
    assert.equal(2, assert(fleet:run { timeout = 600 }).done)
    fleet.ledger.remaining = function() error("interrupted!", 0) end
    assert.has_error(function() fleet:run() end, "interrupted!")
    fleet:close()
    assert.has_error(function() fleet:report() end)
  end)
end)
