-- The disk of a ledger fails at each write of a small fleet, once or from then on: no state goes back, nothing is sent
-- that the ledger does not have, the error says what is wrong, and the next run ends everything. `make fleet-faults`
-- takes each write; here, some.
local databases = require "spec.support.ledger_databases"
local fleets = require "spec.support.fleet_processes"
local simulator = require "openhands.simulator"

local STEP = tonumber(os.getenv "STEP") or 101
local COUNT = 3 -- items
local CALLS = "pwrite64,fdatasync,fsync,ftruncate" -- with which SQLite writes
local MOST_WRITES = 1000

if not databases.is_supported "SQLite" then
  return describe("a fleet", function() it("is tested", function() pending "LuaDBI is missing" end) end)
end

local order = { queued = 0, starting = 1, running = 2, done = 3 }

local faults = { -- strace's words; seconds that a run of the fleet may take
  { name = "a full disk", words = "error=ENOSPC:when=%d+", seconds = 1.5 },
  { name = "one I/O error", words = "error=EIO:when=%d", seconds = 60 },
}

describe("a fleet whose ledger cannot be written", function()
  local server, begin, remove_script, database

  setup(function()
    database = databases.start "SQLite in memory"
    server = simulator.spawn { pace = 0.003, api = "v1" }
    begin, remove_script = fleets.script()
  end)
  teardown(function()
    server:close()
    remove_script()
    database.stop()
  end)

  local function has_strace()
    local pipe = io.popen "strace -o /dev/null true 2>&1; echo $?"
    local output = pipe:read "*a"
    pipe:close()
    return output == "0\n"
  end

  local function fresh()
    server:reset()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(database.path .. suffix) end
  end

  -- Returns the number of calls that failed.
  local function injected(log)
    local file = assert(io.open(log))
    local text = file:read "*a"
    file:close()
    return select(2, text:gsub("%(INJECTED%)", ""))
  end

  -- Checks what a fault has left. `output`: of the run that has met it.
  local function check_ledger(output, what)
    local execute, close = databases.connect(database)
    assert.equal("ok", execute("pragma integrity_check")[1].integrity_check, what)
    if execute("select name from sqlite_master where name = 'openhands_runs'")[1] then
      local was_sent, is_recorded = {}, {}
      for _, start in ipairs(server:starts()) do was_sent[start.conversation_id:gsub("-", "")] = true end
      for _, row in ipairs(execute "select conversation_id from openhands_run_ids") do
        is_recorded[row.conversation_id:gsub("-", "")] = true
      end
      for id in pairs(was_sent) do assert.is_true(is_recorded[id], what .. "\n" .. output) end
      local states = {}
      for key, state in output:gmatch "(k%d+) %S+ (%a+)\n" do states[key] = state end
      for _, row in ipairs(execute "select key, state, conversation_id from openhands_runs") do
        local is_back = order[row.state] < (order[states[row.key]] or 0)
        local id = row.conversation_id:gsub("-", "")
        assert.is_true(not is_back or row.state == "queued" and not was_sent[id], what .. "\n" .. output)
      end
    end
    close()
  end

  for _, fault in ipairs(faults) do
    it("for " .. fault.name .. " goes on when it can", function()
      if not has_strace() then return pending "strace is missing, or not allowed" end
      local log = database.path .. ".log"
      local point, points, ended, refused = 1, 0, 0, 0
      while point <= MOST_WRITES do
        fresh()
        local what = ("%s at write %d"):format(fault.name, point)
        local output = fleets.run(begin, ("strace -f -o %s -e trace=%s -e inject=%s:%s"):format(log, CALLS, CALLS,
          fault.words:format(point)), server.address, database.path, COUNT, 0, "KILL", fault.seconds)
        if injected(log) == 0 then break end
        points = points + 1
        check_ledger(output, what)
        local is_done = output:find(("done %d failed 0 of %d"):format(COUNT, COUNT), 1, true)
        if is_done then
          ended = ended + 1
        else
          refused = refused + 1
          assert.is_truthy(output:find "the ledger's database failed: [^\n]*disk", what .. "\n" .. output)
        end
        output = fleets.run(begin, nil, server.address, database.path, COUNT)
        fleets.check(server, output, COUNT, what)
        point = point + STEP
      end
      os.remove(log)
      print(("%s: %d points of %d writes, %d runs ended well, %d with an error"):format(fault.name, points, point - 1,
        ended, refused))
      assert.is_true(points > 0 and refused > 0)
    end)
  end
end)
