-- `worker` said that another sandbox was up while the items of its fleet itself had all slots, and how many items it
-- had ended in words that were hard to read.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local ledgers = require "openhands.fleet.ledger"
local worker_command = require "openhands.command_line.commands.worker"

describe("a worker that waits for a slot", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })
  local with_ledger = databases.specs(it, pending, after_each)
  local where_sqlite = databases.is_supported "SQLite" and it or function() end

  before_each(function()
    here.service:reset()
    here.renew()
  end)

  with_ledger("knows whether the fleet or the account has none, and how many are in use", function(database)
    local ledger = assert(ledgers.open(database.address))
    local function claim(fields)
      fields.account_id, fields.owner, fields.token, fields.lease = "a", "w", "t", 600
      return select(2, ledger:claim(fields))
    end
    assert(ledger:open_fleet { account_id = "a", fleet = "f", slots = 1, account_slots = 3 })
    local items = {}
    for place = 1, 2 do
      local id = "k" .. place
      items[place] = { key = id, request = "{}", request_hash = id, conversation_id = id }
    end
    assert(ledger:add { account_id = "a", fleet = "f", items = items })
    assert(ledger:claim { account_id = "a", owner = "w", token = "first", lease = 600 })
    assert.same({ reason = "slots", fleet = "f", live = 1, slots = 1 }, claim {})
    assert.same({ reason = "slots", live = 1, slots = 3 }, claim { others = 2 })
    ledger:close()
  end)

  where_sqlite("tells of others that it may not start beside them", function()
    here.output "start 'Try it.' --wait --interval 0.05"
    here.add_items("other", { { key = "owner/one", initial_user_msg = "Fix it." } })
    assert.matches("^waiting for a free slot: fleets use 0 of 8 slots of the account, 8 are kept free, 1 other sandbox "
      .. "is up on this account\n", here.run("worker --reserve 8 --timeout 6").errors)
  end)

  it("says what is true", function()
    local client = in_process.simulated { api = "v1" }
    local function said(wait, reserve)
      local lines = {}
      wait.reason = "slots"
      local worker = { run = function() client:sleep(5) return true end, close = function() end,
        waits_for = function() return wait end }
      local session_client = { sleep = function(_, ...) return client:sleep(...) end,
        spawn = function(_, ...) return client:spawn(...) end, worker = function() return worker end }
      worker_command.run {
        arguments = { reserve = reserve }, output = { record = function() end, line = function() end },
        client = function() return session_client end,
        say = function(_, ...) lines[#lines + 1] = string.format(...) end,
        comes_back_with = function() end, closes = function() end, needs_no_return = function() end,
      }
      return table.concat(lines, "\n")
    end
    assert.equal("waiting for a free slot: the fleet 'f' uses 4 of its 4 slots",
      said { fleet = "f", live = 4, slots = 4, others = 1 })
    assert.equal("waiting for a free slot: fleets use 8 of 8 slots of the account",
      said({ live = 8, slots = 8, others = 1 }, 1))
    assert.equal("waiting for a free slot: fleets use 2 of 3 slots of the account, 1 is kept free",
      said({ live = 2, slots = 3, others = 0 }, 1))
    assert.equal("waiting for a free slot: fleets use 1 of 3 slots of the account, up to 2 other sandboxes are up on "
      .. "this account (items that are starting may have some)", said { live = 1, slots = 3, others = 2,
      others_is_upper_bound = true })
  end)

  where_sqlite("says what it has ended", function()
    assert.equal("this worker ended 0 items", here.output "worker")
    here.add_items("f", { { key = "one", initial_user_msg = "Fix." } })
    assert.equal("this worker ended 1 item: 1 done, 0 not done", here.output "worker --interval 0.05")
    here.add_items("f", { { key = "two", initial_user_msg = "Fix." },
      { key = "three", initial_user_msg = "Fail. [simulate: error]" } })
    assert.equal("this worker ended 2 items: 1 done, 1 not done\n", here.run("worker --interval 0.05").output)
  end)
end)
