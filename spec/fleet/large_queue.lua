-- A worker with a hundred thousand queued runs needs no more memory than one with a thousand. Takes minutes: `make
-- fleet-workers`.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local FEW, MANY = 1000, tonumber(os.getenv "QUEUED") or 100000
local RUNS = 200
local MORE = 64 * 1024 -- bytes

-- Runs so many items; prints the bytes that Lua has in use then.
local WORKER = [[
  local openhands = require "openhands"
  local ended, worker = 0
  worker = assert(openhands.worker { base_url = %q, api_key = "any", api = "v1", ledger = %q, account = "a",
    start_interval = 0, interval = 0.2, on_done = function()
      ended = ended + 1
      if ended >= %d then worker:stop() end
    end })
  assert(worker:run())
  collectgarbage()
  collectgarbage()
  print(("%%.0f"):format(collectgarbage "count" * 1024))
]]

for _, name in ipairs { "SQLite in memory", "PostgreSQL" } do
  describe("a worker with many queued runs on " .. name, function()
    local database, server, client, fleet

    setup(function()
      database = databases.is_supported(name) and databases.start(name) or nil
      if not database then return end
      server = simulator.spawn { api = "v1", pace = 0.005 }
      client = openhands.new { base_url = server.address, api_key = "any", api = "v1" }
      fleet = assert(client:fleet { name = "f", account = "a", ledger = database.address, slots = 20 })
    end)

    teardown(function()
      if fleet then fleet:close() end
      if client then client:close() end
      if server then server:close() end
      if database then database.stop() end
    end)

    local place = 0
    local function add(count)
      assert(fleet:add(function()
        if place == count then return nil end
        place = place + 1
        return { key = "k" .. place, initial_user_msg = "Fix number " .. place .. "." }
      end))
    end

    local function measure()
      local result = processes.child(WORKER:format(server.address, database.address, RUNS))
      assert.same({ "", 0 }, { result.errors, result.code })
      return tonumber(result.output)
    end

    it("needs no more memory than with few", function()
      if not database then return pending(name .. " is not installed") end
      add(FEW)
      local few = measure()
      add(MANY)
      local many = measure()
      print(("%s: %.0f KB with %d queued, %.0f KB with %d"):format(name, few / 1024, FEW, many / 1024, MANY))
      assert.is_true(many - few <= MORE, many - few)
    end)
  end)
end
