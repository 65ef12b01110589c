-- Kills or stops a script that runs a fleet at every step, and at every system call from the start to the end of its
-- runs, and runs it again: each item has exactly one conversation. Takes many minutes: `make fleet-torture`.
local databases = require "spec.support.ledger_databases"
local fleets = require "spec.support.fleet_processes"
local simulator = require "openhands.simulator"

local STEP = tonumber(os.getenv "STEP") or 1

-- The calls that change something outside the process, or wait for it. strace counts each by itself.
local CALLS = { "pwrite64", "fdatasync", "sendto", "recvfrom", "poll", "connect", "fcntl", "epoll_wait", "write" }

for _, name in ipairs { "SQLite in memory", "PostgreSQL" } do
  describe("a fleet on " .. name, function()
    local server, begin, remove_script, database, count

    setup(function()
      database = databases.start(name)
      server = simulator.spawn { pace = 0.003, api = "v1" }
      begin, remove_script = fleets.script()
      count = 0
    end)
    teardown(function()
      server:close()
      remove_script()
      if database then database.stop() end
    end)

    -- Returns an empty ledger.
    local function fresh()
      server:reset()
      if database.path then
        for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(database.path .. suffix) end
      else
        local execute, close = databases.connect(database)
        for _, table_name in ipairs(execute "select tablename from pg_tables where schemaname = 'public'") do
          execute(("drop table %s cascade"):format(table_name.tablename))
        end
        close()
      end
      return database.address
    end

    -- Kills the script at a point, and runs it to its end. Returns false if it ended before.
    local function try(what, prefix, point)
      local ledger = fresh()
      local output = fleets.run(begin, prefix, server.address, ledger, 2, point or 0)
      if not output:find "points %d+" then
        count = count + 1
        output = fleets.run(begin, nil, server.address, ledger, 2)
        fleets.check(server, output, 2, what)
        return true
      end
      fleets.check(server, output, 2, what)
      return false
    end

    it("starts each item once, wherever it is killed between two steps", function()
      if not database then return pending(name .. " is not installed") end
      local point = 1
      while try("killed at step " .. point, nil, point) do point = point + STEP end
      print(("%s: killed at %d steps"):format(name, count))
    end)

    it("starts each item once, wherever its process is killed", function()
      if not database then return pending(name .. " is not installed") end
      count = 0
      for _, call in ipairs(CALLS) do
        local number, is_killed = 1, true
        while is_killed do
          local prefix = ("strace -f -o /dev/null -e trace=%s -e inject=%s:signal=SIGKILL:when=%d"):format(call, call,
            number)
          is_killed = try(("killed at %s %d"):format(call, number), prefix)
          number = number + STEP
        end
        print(("%s: killed at %d system calls, the last of them %s"):format(name, count, call))
      end
    end)
  end)
end
