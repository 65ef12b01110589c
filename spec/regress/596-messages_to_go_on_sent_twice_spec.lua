-- Two workers could resume conversations into the same place, and both send the agent the message to go on.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a ledger on " .. name, function()
    local ledger
    local on_it = databases.ledger_specs(name, { setup = setup, teardown = teardown, it = it, pending = pending },
      function(opened) ledger = opened end)

    on_it("gives one place to one paused run", function()
      assert(ledger:open_fleet { account_id = "a", fleet = "f", account_slots = 2, budget = 1 })
      local items, runs = {}, {}
      for place = 1, 2 do
        items[place] = { key = "k" .. place, request = "{}", request_hash = "h", conversation_id = "c" .. place }
      end
      assert(ledger:add { account_id = "a", fleet = "f", items = items })
      for place = 1, 2 do
        local run = assert(ledger:claim { account_id = "a", owner = "o", token = "t" .. place, lease = 600 })
        runs[place] = assert(ledger:record(run, { state = "paused" }))
      end
      assert(ledger:set_learned_slots { account_id = "a", slots = 1 })
      local resumed = assert(ledger:resume(runs[1], { mark = "resumed" }))
      assert.same({ "running", "resumed" }, { resumed.state, resumed.execution_status })
      assert.equal("running", assert(ledger:resume(runs[1], { mark = "resumed" })).state)
      assert.equal("conflict", select(2, ledger:resume(runs[1], { mark = "other" })).kind)
      local second, why = ledger:resume(runs[2], { mark = "resumed" })
      assert.same({ false, "slots" }, { second, why.reason })
      assert(ledger:set_learned_slots { account_id = "a", slots = 2 })
      second, why = ledger:resume(runs[2], { mark = "resumed", others = 1 })
      assert.same({ false, "slots" }, { second, why.reason })
      assert(ledger:record(runs[1], { cost = 1 }))
      second, why = ledger:resume(runs[2], { mark = "resumed" })
      assert.same({ false, "budget" }, { second, why.reason })
      runs[2].fence = runs[2].fence - 1
      assert.equal("fenced", select(2, ledger:resume(runs[2], { mark = "resumed" })).kind)
    end)
  end)
end

describe("the message to a conversation that was paused", function()
  local database, sent

  before_each(function()
    if databases.is_supported "SQLite" then database = databases.start "SQLite" end
    sent = 0
  end)
  after_each(function()
    if database then database.stop() end
  end)

  -- Returns a fleet of one item whose conversation is paused, and counts the messages that its agent gets. `at` is
  -- called with each request, before it is answered.
  local function fleet_of(at)
    local inner = simulator.transport(simulator.model { api = "v1", outcome = "paused" })
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if at then at(request) end
      local answer = inner:request(request)
      local is_message = request.method == "POST" and tostring(request.body):find("Continue with your task", 1, true)
      sent = sent + (is_message and 1 or 0)
      return answer
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    local fleet = assert(client:fleet { name = "f", ledger = database.address, account = "a", start_interval = 0 })
    assert(fleet:add { key = "k", initial_user_msg = "x" })
    return fleet, client
  end

  local function take_over(ledger, lease)
    local run = assert(ledger:find { account_id = "a", fleet = "f", key = "k" })
    assert(ledger:renew(run, 0))
    return assert(ledger:claim { account_id = "a", owner = "other", token = tostring {}, lease = lease })
  end

  it("is not sent by a worker that has lost the run meanwhile", function()
    if not database then return pending "LuaDBI is missing" end
    local other = assert(ledgers.open(database.address))
    local is_taken = false
    local fleet, client = fleet_of(function(request)
      if request.path:find "/resume$" and not is_taken then
        is_taken = true
        take_over(other, 600)
      end
    end)
    local _, err = fleet:run { timeout = 200 }
    assert.same({ "timeout", true, 0 }, { err.kind, is_taken, sent })
    take_over(other, 0)
    assert.equal(1, assert(fleet:run { timeout = 2000 }).done)
    assert.equal(1, sent)
    other:close()
    fleet:close()
    client:close()
  end)

  it("is not sent again by the worker that takes over from the one that has sent it", function()
    if not database then return pending "LuaDBI is missing" end
    local fleet, client
    fleet, client = fleet_of(function()
      if sent == 1 and fleet then -- the worker dies
        sent = 2
        local run = assert(fleet.ledger:find { account_id = "a", fleet = "f", key = "k" })
        assert.equal("continuing", run.execution_status)
        error("the worker dies", 0)
      end
    end)
    assert.is_false((pcall(fleet.run, fleet, { timeout = 200 })))
    assert.equal(2, sent)
    take_over(fleet.ledger, 0)
    assert.equal(1, assert(fleet:run { timeout = 2000 }).done)
    assert.equal(2, sent)
    fleet:close()
    client:close()
  end)
end)
