-- After `others`, which forgets what a dry run has added, a dry run of a new fleet failed ("the ledger has no such
-- fleet"), and one of a known fleet planned with the settings of earlier runs.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("a dry run", function() it("goes on", function() pending "LuaDBI is missing" end) end)
end

describe("a dry run that has asked for others", function()
  local open, current = databases.fleet_specs(before_each, after_each)
  local client
  before_each(function() client = in_process.simulated { api = "v1" } end)
  after_each(function() client:close() end)

  local function item(key) return { key = key, initial_user_msg = "Fix it." } end

  it("goes on with a new fleet", function()
    local fleet = open(client, { ledger = current.database.address, dry_run = true, slots = 3 })
    assert(fleet:add(item "a"))
    assert.equal(0, (fleet:others()))
    assert.same({ {}, 3 }, { assert(fleet:plan()).start, assert(fleet:plan()).at_once })
    assert(fleet:add(item "b"))
    assert.same({ "b" }, assert(fleet:plan()).start)
    fleet:close()
    assert.same({}, assert(open(client, { ledger = current.database.address }):plan()).start)
  end)

  it("keeps its own settings", function()
    local known = open(client, { ledger = current.database.address, slots = 2 })
    assert(known:add { item "a", item "b", item "c", item "d", item "e" })
    local fleet = open(client, { ledger = current.database.address, dry_run = true, slots = 5 })
    assert.equal(5, assert(fleet:plan()).at_once)
    fleet:others()
    assert.equal(5, assert(fleet:plan()).at_once)
    fleet:others()
    assert.equal(2, assert(known:plan()).at_once)
  end)
end)
