-- What a dry run refuses, e.g. an item that the fleet has with another request, took along all that was added before:
-- the plan lacked those items, and that of a new fleet failed. A forked child went on in the transaction of its parent.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"

local function fields(more)
  more.account_id, more.fleet = "account", "f"
  return more
end

local function item(key, hash)
  return { key = key, request = "{}", request_hash = hash or "hash", conversation_id = "id of " .. key }
end

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a rehearsal on " .. name, function()
    local database, ledger, rehearsal

    before_each(function()
      database = databases.start(name)
      if not database then return end
      ledger, rehearsal = assert(ledgers.open(database.address)), assert(ledgers.open(database.address))
      assert(ledger:open_fleet(fields { slots = 3 }))
      assert(ledger:add(fields { items = { item "a" } }))
      rehearsal:rehearse()
    end)

    after_each(function()
      if not database then return end
      ledger:close()
      rehearsal:close()
      database.stop()
    end)

    local function with_database(title, body)
      it(title, function()
        if not database then return pending(name .. " is missing") end
        body()
      end)
    end

    local function keys()
      local list = {}
      for place, run in ipairs(assert(rehearsal:runs(fields { limit = 10 }))) do list[place] = run.key end
      return list
    end

    with_database("keeps what it did before an operation that is refused", function()
      assert(rehearsal:open_fleet(fields { slots = 5 }))
      assert(rehearsal:add(fields { items = { item "b" } }))
      for _ = 1, 2 do
        local _, err = rehearsal:add(fields { items = { item "c", item("a", "another hash") } })
        assert.equal("conflict", err.kind)
        assert.same({ "a", "b" }, keys())
      end
      assert(rehearsal:add(fields { items = { item "d" } }))
      assert.same({ "a", "b", "d" }, keys())
      assert.equal(5, assert(rehearsal:fleet(fields {})).slots)
      rehearsal:forget()
      assert.same({ "a" }, keys())
      rehearsal:forget()
      assert.equal(1, assert(ledger:fleet(fields {})).added)
    end)

    with_database("is none of a forked child", function()
      local found, ffi = pcall(require, "ffi")
      if not found then return pending "needs a Lua that can fork" end
      ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]]
      assert(rehearsal:add(fields { items = { item "b" } }))
      local child = ffi.C.fork()
      if child == 0 then
        rehearsal:forget()
        local good, problem = pcall(keys)
        local is_told = tostring(problem):find("was opened before this process was forked", 1, true)
        ffi.C._exit(not good and is_told and 7 or 1)
      end
      local status = ffi.new "int[1]"
      assert.equal(child, ffi.C.waitpid(child, status, 0))
      assert.equal(7, status[0] / 256)
      assert.same({ "a", "b" }, keys())
    end)
  end)
end
