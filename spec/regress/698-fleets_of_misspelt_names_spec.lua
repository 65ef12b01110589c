-- `fleet status` and `fleet report` left an empty fleet of each misspelt name in the ledger, and only their refusal
-- told the names of the fleets.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local ledgers = require "openhands.fleet.ledger"

if not databases.is_supported "SQLite" then
  return describe("fleet list", function() it("tells the fleets", function() pending "LuaDBI is missing" end) end)
end

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function()
    here.service:reset()
    here.renew()
  end)

  -- Returns whether the ledger has a fleet of a name, if only an empty one.
  local function has(name)
    local ledger = assert(ledgers.open(here.directory .. "/state/openhands/ledger.db"))
    local accounts = assert(ledger:accounts { fleet = name })
    ledger:close()
    return #accounts > 0
  end

  it("leaves no fleet of a name that none has", function()
    here.add_items("typos", { { key = "owner/one", initial_user_msg = "Fix." } })
    for _, method in ipairs { "status", "report" } do
      local result = here.run(("fleet %s typo"):format(method))
      assert.equal(1, result.status)
      assert.matches("'typo' has no items in this ledger (did you mean 'typos'?)", result.errors, 1, true)
      assert.is_false(has "typo")
      assert.equal(0, here.run(("fleet %s typos"):format(method)).status)
    end
    assert.is_true(has "typos")
  end)

  it("fleet list tells how each fleet stands", function()
    local none = here.run "fleet list"
    assert.same({ 0, "", "No fleet of the account has items in this ledger.\n" },
      { none.status, none.output, none.errors })
    assert.same({}, here.run("fleet list --json").json)
    files.write(here.directory .. "/typos.csv", "repository,message\nowner/one,Fix it.\n")
    here.output(("fleet run %s/typos.csv --interval 0.05"):format(here.directory))
    here.add_items("links", { { key = "a", initial_user_msg = "Fix." }, { key = "b", initial_user_msg = "Fix." } })
    assert.matches("^links: 0 of 8 slots used, 2 runs: 2 queued, [^\n]*\ntypos: 0 of 8 slots used, 1 run: 1 done, "
      .. "[^\n]*$", here.output "fleet list")
    local list = here.run("fleet list --json").json
    assert.same({ "links", 2, "typos", 1 }, { list[1].fleet, list[1].queued, list[2].fleet, list[2].done })
    local status = here.run("fleet status links --json").json
    status.now, list[1].now = nil, nil
    assert.same(status, list[1])
    assert.matches('^{[^\n]*"fleet":"links"[^\n]*}\n{[^\n]*"fleet":"typos"[^\n]*}$', here.output "fleet list --jsonl")
    assert.matches("^$", here.output "fleet list --account another")
  end)

  it("fleet list fails with its error in a list", function()
    local result = here.run("fleet list --json --ledger /nope/ledger.db")
    assert.equal(1, result.status)
    assert.equal("ledger", result.json[1].error.kind)
  end)
end)
