-- The plan after an interruption called the sandbox of a run of the fleet itself, which was still starting, one of
-- others.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local fleets = require "openhands.command_line.fleets"
local in_process = require "spec.support.in_process"
local ledgers = require "openhands.fleet.ledger"

describe("the sandboxes of others beside a run whose sandbox is not known yet", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })
  local with_ledger = databases.specs(it, pending, after_each)
  local where_sqlite = databases.is_supported "SQLite" and it or function() end

  with_ledger("are told to be at most so many", function(database)
    local client = in_process.simulated({ api = "v1", outcome = "slow" }, { api = "v1", grace = 2 })
    local function open() return assert(client:fleet { name = "f", ledger = database.address }) end
    local fleet = open()
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    assert.same({ 0, false }, { fleet:others() })
    assert(client.sandboxes:start())
    fleet:close()
    fleet = open()
    assert.same({ 1, false }, { fleet:others() })
    local ledger, account = fleet.ledger, fleet.account_id
    local run = assert(ledger:claim { account_id = account, owner = "w", token = "t", lease = 0 })
    fleet:close()
    fleet = open()
    assert.same({ 1, true }, { fleet:others() })
    assert(fleet.ledger:record(run, { state = "running", sandbox_id = "its own" }))
    assert.same({ 1, false }, { fleet:others() })
    fleet:close()
  end)

  it("are named so by the command", function()
    assert.equal("1 other sandbox is up on this account", fleets.others_words(1, false))
    assert.equal("up to 1 other sandbox is up on this account (an item that is starting may have it)",
      fleets.others_words(1, true))
    assert.equal("up to 3 other sandboxes are up on this account (items that are starting may have some)",
      fleets.others_words(3, true))
  end)

  where_sqlite("are named so by its plan", function()
    files.write(here.directory .. "/typos.csv", "repository,message\nowner/one,Fix.\n")
    here.output "start 'Try it.' --wait --interval 0.05"
    here.add_items("typos", { { key = "owner/one", repository = "owner/one", initial_user_msg = "Fix." } })
    local words = ("fleet run %s/typos.csv --plan"):format(here.directory)
    local function others_of()
      local plan = here.run(words .. " --json").json
      return { plan.others, plan.others_is_upper_bound }
    end
    assert.same({ 1, false }, others_of())
    local ledger = assert(ledgers.open(here.directory .. "/state/openhands/ledger.db"))
    local account = assert(ledger:accounts { fleet = "typos" })[1]
    assert(ledger:claim { account_id = account, owner = "w", token = "t", lease = 0 })
    ledger:close()
    local plan = here.output(words)
    assert.matches("\nup to 1 other sandbox is up on this account %(an item [^)]*%): each takes a slot; [^\n]+$",
      plan)
    assert.same({ 1, true }, others_of())
  end)
end)
