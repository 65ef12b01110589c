-- A fleet whose ledger was lost, on both databases.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a fleet whose ledger on " .. name .. " was lost", function()
    local database, lost

    setup(function()
      database, lost = databases.start(name), databases.start "SQLite"
    end)

    teardown(function()
      for _, each in pairs { database, lost } do each.stop() end
    end)

    local number = 0

    local function item(key, outcome)
      return { key = key, initial_user_msg = ("%s [simulate: %s]"):format(key, outcome or "finished") }
    end

    local function states(report)
      local list = {}
      for place, run in ipairs(report.runs) do list[place] = run.state end
      return table.concat(list, " ")
    end

    local function on_it(title, body)
      it(title, function()
        if not (database and lost) then return pending(name .. " is not installed") end
        number = number + 1
        body(("f%d"):format(number))
      end)
    end

    on_it("finds what the service has, and starts only the rest", function(fleet_name)
      local client, model = in_process.simulated({ api = "v1" }, { grace = 2 })
      local items = { item "a", item("b", "error"), item "c" }
      local fleet = assert(client:fleet { name = fleet_name, ledger = lost.address, after = "leave" })
      assert(fleet:add(items))
      assert.equal("done failed done", states(assert(fleet:run())))
      fleet:close()

      items[4] = item "d"
      fleet = assert(client:fleet { name = fleet_name, ledger = database.address, slots = 1 })
      local rebuilt = assert(fleet:rebuild(items))
      assert.same({ found = { "a", "b", "c" }, missing = { "d" } }, rebuilt)
      assert.same({ found = {}, missing = { "d" } }, assert(fleet:rebuild()))
      local status = assert(fleet:status())
      assert.same({ 3, 1 }, { status.live, status.queued })
      assert.equal(3, #model.starts)
      local report = assert(fleet:run())
      assert.equal("done failed done done", states(report))
      assert.equal("string", type(report.runs[1].answer))
      assert.equal(4, #model.starts)
      fleet:close()
    end)

    on_it("leaves ended conversations as they are, though their sandboxes are paused", function(fleet_name)
      local client, _, transport = in_process.simulated({ api = "v1" }, { grace = 2 })
      local items = { item "a", item("b", "error"), item("c", "paused") }
      local fleet = assert(client:fleet { name = fleet_name, ledger = lost.address, on_paused = "fail" })
      assert(fleet:add(items))
      assert.equal("done failed failed", states(assert(fleet:run())))
      fleet:close()
      fleet = assert(client:fleet { name = fleet_name, ledger = database.address })
      assert.same({ "a", "b", "c" }, assert(fleet:rebuild(items)).found)
      local resumed, request = 0, transport.request
      function transport.request(self, given)
        resumed = resumed + (given.method == "POST" and given.path:find "/resume$" and 1 or 0)
        return request(self, given)
      end
      local report = assert(fleet:run())
      assert.equal("done failed done", states(report)) -- the last one was paused in the middle, and goes on
      assert.equal("string", type(report.runs[1].answer))
      assert.equal(1, resumed)
      fleet:close()
    end)

    on_it("does not start twice what the service does not show yet", function(fleet_name)
      local client, model, transport = in_process.simulated({ api = "v1" }, { grace = 2 })
      local fleet = assert(client:fleet { name = fleet_name, ledger = lost.address })
      assert(fleet:add(item "a"))
      fleet:run { timeout = 5 } -- its start task is not ready
      fleet:close()
      client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", grace = 2 }
      fleet = assert(client:fleet { name = fleet_name, ledger = database.address })
      assert.same({ found = {}, missing = { "a" } }, assert(fleet:rebuild(item "a")))
      assert.equal("done", states(assert(fleet:run())))
      assert.equal(1, model:jobs())
      fleet:close()
    end)

    on_it("cannot be found on V0", function(fleet_name)
      local client = in_process.simulated({ api = "v0" }, { api = "v0" })
      local fleet = assert(client:fleet { name = fleet_name, ledger = database.address })
      local rebuilt, err = fleet:rebuild(item "a")
      assert.same({ nil, "unsupported" }, { rebuilt, err.kind })
      fleet:close()
    end)
  end)
end
