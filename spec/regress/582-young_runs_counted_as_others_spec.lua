-- Until the sandbox of a new run was in the ledger, and for ten seconds more, it counted as one of others: fewer runs
-- were started than could be.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local slots = require "openhands.fleet.slots"

describe("the count of sandboxes of others", function()
  local client, counted, model, runs, reads

  before_each(function()
    client, model = in_process.simulated({ api = "v1", outcome = "slow" }, { grace = 2 })
    counted, runs, reads = slots.new(client, { start_interval = 0 }), {}, 0
  end)

  -- Returns the requests for the list of sandboxes.
  local function searches()
    local list = {}
    for _, request in ipairs(model.requests) do
      if request.path:find "sandboxes/search" then list[#list + 1] = request end
    end
    return list
  end

  local function live()
    reads = reads + 1
    return runs
  end

  -- Starts a sandbox. Returns its id.
  local function start() return assert(client.sandboxes:start()).id end

  it("has no sandbox of a run, from the moment on in which the ledger knows it", function()
    start()
    local sandbox = start()
    runs[1] = { conversation_id = "young" }
    assert.equal(2, counted:others(live))
    runs[1].sandbox_id = sandbox
    assert.equal(1, counted:others(live))
    assert.equal(1, counted:others(live))
    assert.equal(2, reads)
    assert.equal(1, #searches())
  end)

  it("keeps the sandboxes of others beside young runs, and does not grow when a run ends", function()
    local sandbox = start()
    start()
    runs[1], runs[2] = { conversation_id = "known", sandbox_id = sandbox }, { conversation_id = "young" }
    assert.equal(1, counted:others(live))
    table.remove(runs, 1)
    assert.equal(1, counted:others(live))
    runs[1].sandbox_id = "one that has come up later"
    assert.equal(1, counted:others(live))
  end)

  it("reads the ledger once where each run has its sandbox, or no other is up", function()
    runs[1] = { conversation_id = "young" }
    assert.equal(0, counted:others(live))
    assert.equal(0, counted:others(live))
    assert.equal(1, reads)
    counted:forget_count()
    start()
    runs[1].sandbox_id = "known"
    assert.equal(1, counted:others(live))
    assert.equal(1, counted:others(live))
    assert.equal(2, reads)
  end)
end)

describe("a fleet that fills its account", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("does not wait for the next count, and leaves the others their slots", function(database)
    local client, model = in_process.simulated({ api = "v1", outcome = "slow" }, { grace = 2 })
    assert(client.sandboxes:start())
    local fleet = assert(client:fleet { name = "f", ledger = database.address, slots = 9, start_interval = 2 })
    for place = 1, 12 do
      assert(fleet:add { key = "k" .. place, initial_user_msg = "Fix it." })
    end
    assert.equal("timeout", select(2, fleet:run { timeout = 60 }).kind)
    assert.equal(8, #model.starts)
    assert.is_true(model.starts[8].time - model.starts[1].time <= 7 * 2 + 1e-6) -- in the time of the simulator
    fleet:close()
  end)
end)
