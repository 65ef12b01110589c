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
  { name = "a full disk", words = "error=ENOSPC:when=%d+", seconds = 2 },
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
    -- Runs the fleet with the fault at a write, and again without it. Returns false if there are fewer writes, else how
    -- the first run has ended.
    local function try(point, log)
      fresh()
      local what = ("%s at write %d"):format(fault.name, point)
      local output = fleets.run(begin, ("strace -f -o %s -e trace=%s -e inject=%s:%s"):format(log, CALLS, CALLS,
        fault.words:format(point)), server.address, database.path, COUNT, 0, "KILL", fault.seconds)
      if injected(log) == 0 then return false end
      check_ledger(output, what)
      local ending = output:find(("done %d failed 0 of %d"):format(COUNT, COUNT), 1, true) and "well"
        or output:find "the ledger's database failed: [^\n]*disk" and "error"
        or output:find "the fleet has not ended in" and "time" -- a slow machine: the fault has met its last writes
      assert.is_truthy(ending, what .. "\n" .. output)
      fleets.check(server, fleets.run(begin, nil, server.address, database.path, COUNT), COUNT, what)
      return ending
    end

    it("for " .. fault.name .. " goes on when it can", function()
      if not has_strace() then return pending "strace is missing, or not allowed" end
      local log, point, points, wrong = database.path .. ".log", 1, 0, {}
      local endings = { well = 0, error = 0, time = 0 }
      while point <= MOST_WRITES do
        local good, ending = pcall(try, point, log)
        if not good then
          wrong[#wrong + 1] = tostring(ending)
          print(wrong[#wrong])
        elseif not ending then
          break
        else
          endings[ending] = endings[ending] + 1
        end
        points, point = points + 1, point + STEP
      end
      os.remove(log)
      print(("%s: %d points of %d writes; %d runs ended well, %d with the ledger's error, %d when their time was over")
        :format(fault.name, points, point - 1, endings.well, endings.error, endings.time))
      assert.same({}, wrong)
      assert.is_true(endings.error > 0)
    end)
  end
end)
