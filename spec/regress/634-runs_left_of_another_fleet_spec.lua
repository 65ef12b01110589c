-- A run that a fleet had left, and that nobody looked after, kept every other fleet from starting anything on an
-- account full of sandboxes of others, whose limit was unknown: it was taken for the one run that is tried there.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local ledgers = require "openhands.fleet.ledger"

describe("a run whose lease has expired", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("does not keep other fleets from trying one run at a time", function(database)
    local client, model = in_process.simulated({ api = "v1" }, { api = "v1", grace = 2 })
    local function open(name, items)
      local fleet = assert(client:fleet { name = name, ledger = database.address, after = "leave" })
      for place = 1, items do
        assert(fleet:add { key = "k" .. place, initial_user_msg = "Fix it." })
      end
      return fleet
    end
    local left = open("left", 1)
    assert.equal("timeout", select(2, left:run { timeout = 20 }).kind)
    assert.equal(1, assert(left:status()).live)
    for _ = 1, 8 do
      assert(client:run { initial_user_msg = "Try it." })
    end
    local other = open("other", 3)
    assert.equal(3, assert(other:run { timeout = 3600 }).done)
    for place = 11, 12 do
      assert.is_true(model.starts[place].time - model.starts[place - 1].time >= 60) -- a conversation takes a minute
    end
    assert.equal(1, assert(left:run { timeout = 3600 }).done)
    assert.equal(12, #model.starts)
    other:close()
    left:close()
  end)

  with_ledger("keeps its slot, and one that somebody looks after is the one that is tried", function(database)
    local ledger, tokens = assert(ledgers.open(database.address)), 0
    local function claim(fleet, others)
      tokens = tokens + 1
      return ledger:claim { account_id = "a", owner = "w", token = "t" .. tokens, lease = 600, fleet = fleet,
        others = others }
    end
    for _, fleet in ipairs { "left", "other", "third" } do
      assert(ledger:open_fleet { account_id = "a", fleet = fleet, account_slots = 3 })
      local items = {}
      for place = 1, 3 do
        local id = fleet .. place
        items[place] = { key = id, request = "{}", request_hash = id, conversation_id = id }
      end
      assert(ledger:add { account_id = "a", fleet = fleet, items = items })
    end
    local left = { assert(claim("left", 0)), assert(claim("left", 0)) }
    assert(ledger:renew(left[1], 0))
    assert.equal("slots", select(2, claim("other", 8)).reason) -- the second one has a worker
    assert(ledger:renew(left[2], 0))
    left[3] = assert(claim("other", 8))
    assert.equal("other", left[3].fleet)
    assert.equal("slots", select(2, claim("third", 8)).reason)
    assert(ledger:renew(left[3], 0))
    assert.equal("slots", select(2, claim("third", 8)).reason) -- nobody looks after any, but all slots are in use
    assert.equal("slots", select(2, claim("third", 0)).reason)
    ledger:close()
  end)
end)
