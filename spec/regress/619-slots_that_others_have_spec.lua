-- Nothing told that the slots of an account were in use by other sandboxes: neither the plan nor the run of a fleet
-- named them, and a worker that waited for a slot said nothing at all.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("slots that others have", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })
  local with_ledger = databases.specs(it, pending, after_each)
  local where_sqlite = databases.is_supported "SQLite" and it or function() end

  setup(function()
    files.write(here.directory .. "/typos.csv", "repository,message\nowner/one,Fix.\n")
  end)

  before_each(function() here.service:reset() end)

  with_ledger("are counted for a fleet, without those of its own runs", function(database)
    local model = simulator.model { api = "v1" }
    local client = openhands.new { transport = simulator.transport(model), api_key = "any", api = "v1", grace = 2 }
    for _ = 1, 3 do assert(client:run { initial_user_msg = "Try it." }) end
    local fleet = assert(client:fleet { name = "f", ledger = database.address, after = "leave" })
    assert.equal(3, fleet:others())
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local during
    assert(fleet:run { on_done = function() during = fleet:others() end })
    assert.equal(3, during)
    fleet:close()
  end)

  where_sqlite("are told by the plan and the run of a fleet", function()
    local words = ("fleet run %s/typos.csv --interval 0.05"):format(here.directory)
    assert.is_nil(here.output(words .. " --plan"):find("other", 1, true))
    for count = 1, 2 do
      here.output "start 'Try it.' --wait --interval 0.05"
      local line = count == 1 and "1 other sandbox is up on this account" or "2 other sandboxes are up on this account"
      assert.matches("\n" .. line .. "[^\n]*$", here.output(words .. " --plan"))
      assert.equal(count, here.run(words .. " --plan --json").json.others)
    end
    local result = here.run(words)
    assert.matches("^2 other sandboxes are up on this account: each takes a slot; `openhands%-lua list [^\n`]+` names "
      .. "those that can be paused, doc/fleets.md tells more\n", result.errors)
    assert.matches("\tfinished\t", here.output(result.errors:match "`openhands%-lua ([^`]+)`"))
    assert.equal("", here.run("-q " .. words).errors)
  end)

  where_sqlite("are what a worker waits for, which it says once", function()
    here.output "start 'Try it.' --wait --interval 0.05"
    here.add_items("other", { { key = "owner/one", initial_user_msg = "Fix it." } })
    local words = "worker --reserve 8 --timeout 6"
    local result = here.run(words)
    assert.equal(4, result.status)
    assert.matches("^waiting for a free slot: fleets use 0 of 8 slots of the account, 8 are kept free, 1 other sandbox "
      .. "is up on this account\nopenhands%-lua: run: [^\n]+\n",
      result.errors)
    assert.is_nil(here.run("-q " .. words:gsub("6", "2")).errors:find("waiting", 1, true))
  end)
end)
