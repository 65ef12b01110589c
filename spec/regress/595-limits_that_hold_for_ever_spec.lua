-- A limit that was learned held for ever: a person who paused a conversation took a slot from the account.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local ledgers = require "openhands.fleet.ledger"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a learned limit on " .. name, function()
    local database, ledger, run_sql, close

    setup(function()
      database = databases.start(name)
      if not database then return end
      ledger = assert(ledgers.open(database.address))
      run_sql, close = databases.connect(database)
    end)
    teardown(function()
      if not database then return end
      close()
      ledger:close()
      database.stop()
    end)

    local tokens = 0

    local function claim()
      tokens = tokens + 1
      return ledger:claim { account_id = "a", owner = "o", token = "t" .. tokens, lease = 600 }
    end

    local function learn(slots) assert(ledger:set_learned_slots { account_id = "a", slots = slots, seconds = 100 }) end

    local function fleet() return assert(ledger:fleet { account_id = "a", fleet = "f" }) end

    -- Lets the time pass for which the limit holds.
    local function expire() run_sql "update openhands_accounts set learned_until = 0" end

    it("is tried again, by one run at a time, and holds longer if that is refused", function()
      if not database then return pending(name .. " is not installed") end
      assert(ledger:open_fleet { account_id = "a", fleet = "f", account_slots = 4 })
      local items = {}
      for place = 1, 9 do
        items[place] = { key = "k" .. place, request = "{}", request_hash = "h", conversation_id = "c" .. place }
      end
      assert(ledger:add { account_id = "a", fleet = "f", items = items })
      learn(1)
      local first = assert(claim())
      assert.equal("slots", select(2, claim()).reason)
      expire()
      local second = assert(claim())
      assert.equal("slots", select(2, claim()).reason)
      assert.equal(2, fleet().learned_slots)
      assert(ledger:requeue(second, {}))
      learn(1)
      assert.is_true(fleet().learned_for > 150) -- twice as long
      learn(1)
      assert.is_true(fleet().learned_for > 150) -- refused at the same time
      assert.equal("slots", select(2, claim()).reason)
      for live = 2, 4 do
        expire()
        assert(claim())
        assert.equal(live, fleet().live)
        assert.equal("slots", select(2, claim()).reason)
      end
      assert(ledger:finish(first, { state = "done" }))
      learn(2)
      assert.is_true(fleet().learned_for > 150) -- it was being tried
      learn(1)
      assert.is_true(fleet().learned_for < 101) -- it was not
    end)
  end)
end

describe("a fleet of which a person has paused a conversation", function()
  it("has all its slots again after a while", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    local database = databases.start "SQLite"
    local client, model = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address, slots = 3, start_interval = 0 })
    for place = 1, 12 do assert(fleet:add { key = "k" .. place, initial_user_msg = "x" }) end
    local run_sql, close = databases.connect(database)
    local live, ended, learned, most = 0, 0, nil, 0
    local task = client:spawn(fleet.run, fleet, { on_change = function(run, previous)
      live = live + (previous == "queued" and 1 or 0) - (run.state == "done" and 1 or 0)
      ended = ended + (run.state == "done" and 1 or 0)
      if ended == 4 and run.state == "done" then
        learned = assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" }).learned_slots
        run_sql "update openhands_accounts set learned_until = 0"
        most = 0
      end
      most = math.max(most, live)
    end })
    client:sleep(30)
    model:pause(assert(model:conversations()[1]))
    assert.same({ 12, 2, 3 }, { assert(task:wait()).done, learned, most })
    close()
    fleet:close()
    database.stop()
  end)
end)
