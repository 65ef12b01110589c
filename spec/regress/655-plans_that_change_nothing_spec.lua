-- `fleet run --plan` wrote the items into the ledger: a worker of the account started them, and after a message was
-- corrected the run was refused as a conflict.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"
local ledgers = require "openhands.fleet.ledger"

if not databases.is_supported "SQLite" then
  return describe("plans", function() it("change nothing", function() pending "LuaDBI is missing" end) end)
end

describe("fleet run --plan", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  local path
  before_each(function()
    path = here.directory .. "/typos.csv"
    files.write(path, "repository\nowner/one\nowner/two\n")
  end)

  local function run(words)
    return here.run(("fleet run %s --interval 0.05 %s"):format(path, words))
  end

  it("leaves nothing for a worker, and no message", function()
    local plan = run("--message 'Fix teh typos.' --plan --json").json
    assert.same({ { "owner/one", "owner/two" }, 0 }, { plan.start, plan.others })
    assert.same({ done = 0, not_done = 0 }, here.run("worker --json --interval 0.05").json)
    assert.equal(0, here.service:jobs())
    assert.equal(0, run("--message 'Fix the typos.'").status)
    assert.equal(2, here.service:jobs())
  end)

  it("leaves a fleet as it is", function()
    files.write(path, "repository,message\nowner/one,Fail. [simulate: error]\n")
    assert.equal(2, run("--name kept --slots 3").status)
    files.write(path, "repository,message\nowner/one,Fail. [simulate: error]\nowner/two,Fix the links.\n")
    local plan = run("--name kept --slots 5 --retry --plan --json").json
    assert.same({ { "owner/one", "owner/two" }, {} }, { plan.start, plan.ended })
    local status = here.run("fleet status kept --json").json
    assert.same({ 3, 1, 1 }, { status.fleet_slots, status.total, status.failed })
  end)
end)

describe("the rehearsal of a ledger", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("keeps nothing", function(database)
    local ledger, rehearsal = assert(ledgers.open(database.address)), assert(ledgers.open(database.address))
    finally(function() ledger:close() rehearsal:close() end)
    local function fields(more)
      more.account_id, more.fleet = "account", more.fleet or "f"
      return more
    end
    local function add(to, key, fleet)
      return to:add(fields { fleet = fleet, items = {
        { key = key, request = "{}", request_hash = "hash", conversation_id = "id of " .. key },
      } })
    end
    local function count() return #assert(rehearsal:runs(fields { limit = 10 })) end
    assert(ledger:open_fleet(fields { slots = 3 }))
    rehearsal:rehearse()
    assert.equal(5, assert(rehearsal:open_fleet(fields { slots = 5 })).slots)
    assert(add(rehearsal, "a"))
    assert.equal(1, count())
    rehearsal:forget()
    assert.equal(0, count())
    assert.equal("not_found", select(2, add(rehearsal, "a", "unknown")).kind)
    rehearsal:forget()
    assert(add(ledger, "b"))
    assert(add(rehearsal, "c"))
    assert.equal(2, count())
    rehearsal:close()
    local fleet = assert(ledger:fleet(fields {}))
    assert.same({ 1, 3 }, { fleet.added, fleet.slots })
  end)
end)

describe("a dry run of a fleet", function()

  it("does not run, and keeps nobody from the ledger once it has asked for others", function()
    local directory, remove = files.directory()
    finally(remove)
    local client = in_process.simulated({ api = "v1" }, { grace = 2 })
    local function open(settings)
      settings.name, settings.ledger = settings.name or "f", directory .. "/ledger.db"
      local fleet = assert(client:fleet(settings))
      finally(function() fleet:close() end)
      return fleet
    end
    local fleet = open { dry_run = true }
    assert(fleet:add { key = "a", initial_user_msg = "Fix it." })
    assert.same({ "a" }, assert(fleet:plan()).start)
    for _, method in ipairs { "run", "rebuild" } do
      assert.has_error(function() fleet[method](fleet) end,
        "openhands." .. method .. ": this fleet is a dry run: open it without `dry_run`")
    end
    assert.equal(0, (fleet:others()))
    local other = open {}
    assert(other:add { key = "b", initial_user_msg = "Fix it." })
    assert.equal(1, assert(fleet:report()).total)
  end)
end)
