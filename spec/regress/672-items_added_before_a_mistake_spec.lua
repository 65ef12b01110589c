-- A list of items, or the file of a fleet, that was refused at a later item kept the items before: those of earlier
-- transactions, or rows of a CSV that had other columns filled. Workers started them.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"

local MANY = 450 -- items: more than two transactions have

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a refused list of items, on " .. name .. ",", function()
    local on_new = databases.new_fleets(name, { setup = setup, teardown = teardown, it = it, pending = pending })

    -- Runs a function on a fleet that has the item "old".
    local function on_it(title, body)
      on_new(title, function(fleet)
        assert(fleet:add { key = "old", initial_user_msg = "x" })
        body(fleet)
      end)
    end

    local function items(last)
      local list = {}
      for place = 1, MANY do list[place] = { key = "k" .. place, initial_user_msg = "x" } end
      list[#list + 1] = last
      return list
    end

    -- Checks that a fleet has only the item that it had at first.
    local function assert_unchanged(fleet)
      assert.same({ 1, 1 }, { assert(fleet:report()).total, assert(fleet:status()).queued })
    end

    for problem, fields in pairs {
      ["has other contents than before"] = { kind = "conflict", key = "old", initial_user_msg = "y" },
      ["has other contents than one before it"] = { kind = "conflict", key = "k7", initial_user_msg = "y", other = 7 },
      ["depends on an unknown one"] = { kind = "invalid", key = "a", initial_user_msg = "x", depends_on = "b" },
      ["depends on itself"] = { kind = "invalid", key = "a", initial_user_msg = "x", depends_on = { "k1", "a" } },
    } do
      on_it("whose last one " .. problem .. ", adds none", function(fleet)
        local kind, other = fields.kind, fields.other
        local last = { key = fields.key, initial_user_msg = fields.initial_user_msg, depends_on = fields.depends_on }
        local added, err = fleet:add(items(last))
        assert.is_nil(added)
        assert.same({ kind, fields.key, MANY + 1, other }, { err.kind, err.key, err.place, err.other_place })
        assert_unchanged(fleet)
      end)
    end

    on_it("one of which depends on a later one, adds none", function(fleet)
      local list = items { key = "last", initial_user_msg = "x" }
      list[300].depends_on = "last"
      local added, err = fleet:add(list)
      assert.is_nil(added)
      assert.same({ "invalid", 300, MANY + 1 }, { err.kind, err.place, err.other_place })
      assert_unchanged(fleet)
    end)

    on_it("with a mistake at its end, adds none", function(fleet)
      for _, last in ipairs { { key = "a", initial_user_msg = 7 }, { initial_user_msg = "x" }, 7,
        { key = "a", initial_user_msg = "x", group = "", exclusive = "{group}" } } do
        assert.has_error(function() fleet:add(items(last)) end)
        assert_unchanged(fleet)
      end
      local records = items()
      records[#records].message = nil
      assert.has_error(function()
        fleet:add({ key = "{key}", initial_user_msg = "{initial_user_msg} {message}" }, records)
      end)
      assert.has_error(function() fleet:add(function(record, place) return place <= MANY and record end, items {}) end)
      assert_unchanged(fleet)
    end)

    on_it("that is mended, adds all, with what they depend on", function(fleet)
      local list = items { key = "last", initial_user_msg = "x", depends_on = { "k1", "old", "k" .. MANY } }
      list[#list + 1] = list[3]
      local added = assert(fleet:add(list))
      assert.same({ MANY + 1, 1, MANY + 2 }, { added.added, added.known, #added })
      added = assert(fleet:add(list))
      assert.same({ 0, MANY + 2 }, { added.added, added.known })
    end)
  end)
end

describe("an item that V0 cannot start", function()
  it("is told by its key and place", function()
    local database = databases.start "SQLite"
    if not database then return pending "LuaDBI is missing" end
    local client = in_process.simulated({ api = "v0" }, { api = "v0" })
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    local added, err = fleet:add { { key = "a", initial_user_msg = "x" },
      { key = "b", initial_user_msg = "x", llm_model = "m" } }
    assert.is_nil(added)
    assert.same({ "unsupported", "b", 2 }, { err.kind, err.key, err.place })
    assert.equal(0, assert(fleet:report()).total)
    fleet:close()
    database.stop()
  end)
end)

describe("a refused map with a name", function()
  it("adds no item", function()
    local database = databases.start "SQLite"
    if not database then return pending "LuaDBI is missing" end
    local client = in_process.simulated({ api = "v1" }, { grace = 2 })
    local list = {}
    for place = 1, MANY do list[place] = "k" .. place end
    list[#list + 1] = list[1]
    local results, err = client:map(list, function(_, place)
      return { initial_user_msg = "number " .. place }
    end, { name = "m", ledger = database.address })
    assert.is_nil(results)
    assert.same({ "conflict", "k1" }, { err.kind, err.key })
    local fleet = assert(client:fleet { name = "m", ledger = database.address })
    assert.equal(0, assert(fleet:report()).total)
    fleet:close()
    database.stop()
  end)
end)

describe("a refused file of a fleet", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.renew() end)

  -- Returns a CSV of many rows and some at the end.
  local function csv(columns, row, ...)
    local lines = { columns }
    for place = 1, MANY do lines[place + 1] = row:format(place) end
    for _, each in ipairs { ... } do lines[#lines + 1] = each end
    return table.concat(lines, "\n") .. "\n"
  end

  -- Adds a file, which is refused at a record. Checks that the fleet has no items.
  local function assert_refused(number, contents)
    files.write(here.directory .. "/f.csv", contents)
    local result = here.run(("fleet add %s/f.csv"):format(here.directory))
    assert.equal(1, result.status)
    assert.matches(("f%%.csv: record %d: "):format(number), result.errors)
    assert.equal("", here.output "fleet list")
  end

  it("adds no row, and the message names the record", function()
    local last = MANY + 1
    for _, row in ipairs { "x,Fix.,,0.5", "x,Fix.,y,", "k7,Other.,,", "x\1y,Fix.,,", "x,Fix.,x,1" } do
      assert_refused(last, csv("key,message,depends_on,priority", "k%d,Fix.,,", row))
    end
    local rows = csv("key,message,depends_on", "k%d,Fix.,", "x,Fix.,"):gsub("\nk3,Fix.,\n", "\nk3,Fix.,x\n")
    assert_refused(3, rows)
  end)

  it("adds no row if the fleet had one of them with other contents", function()
    files.write(here.directory .. "/f.csv", "key,message\nlast,Fix.\n")
    here.output(("fleet add %s/f.csv"):format(here.directory))
    files.write(here.directory .. "/f.csv", csv("key,message", "k%d,Fix.", "last,Other."))
    local result = here.run(("fleet add %s/f.csv"):format(here.directory))
    assert.matches(("record %d: "):format(MANY + 1), result.errors)
    assert.equal(1, here.run "fleet status f --json".json.queued)
  end)
end)
