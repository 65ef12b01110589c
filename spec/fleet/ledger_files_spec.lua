-- The file of a ledger on SQLite: who may read it, and what faults of the disk and kills leave of it.
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local ledgers = require "openhands.fleet.ledger"
local processes = require "spec.support.processes"

local function shell(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local CALLS = "pwrite64,fdatasync,fsync,ftruncate" -- with which SQLite writes

local SCHEMA_CALLS = 76 -- to create the tables
local MOST_CALLS = 170 -- two rounds of the program below
local STEP = tonumber(os.getenv "STEP") -- `make fleet-faults`: the distance of points

-- A program that fills a ledger and moves its runs, and prints a line after each operation that it knows to be done.
local WORKER = [[
  local ledgers = require "openhands.fleet.ledger"
  local path, first = %q, %q
  io.stdout:setvbuf "line"
  local ledger, err = ledgers.open(path)
  if not ledger then print("refused " .. err.kind) os.exit(3) end
  local function check(name, value, why)
    if value == nil then print("refused " .. why.kind) os.exit(3) end
    print(name)
    return value
  end
  check("opened", ledger:open_fleet { account_id = "a", fleet = "f", account_slots = 1000 })
  for round = 1, 1000 do
    local items = {}
    for place = 1, 3 do
      local key = first .. round .. "." .. place
      items[place] = { key = key, request = ("x"):rep(3000), request_hash = "h", conversation_id = key }
    end
    local runs = check("added " .. round, ledger:add { account_id = "a", fleet = "f", items = items })
    local run = check("claiming", ledger:claim { account_id = "a", owner = first, token = first .. round, lease = 600 })
    print("claimed " .. run.run_id)
    check("recorded " .. run.run_id, ledger:record(run, { state = "running", task_id = "t" }))
    check("ended " .. run.run_id, ledger:finish(run, { state = "done", result = ("y"):rep(3000) }))
  end
]]

-- Checks that a ledger is whole, and that nothing is lost that a worker's output says is done.
local function check(path, output)
  local run_sql, close = databases.connect { path = path }
  assert.equal("ok", run_sql("pragma integrity_check")[1].integrity_check)
  close()
  local ledger = assert(ledgers.open(path))
  local fleet = ledger:fleet { account_id = "a", fleet = "f" }
  assert.is_truthy(fleet or not output:find "opened")
  if fleet then
    local counts = assert(ledger:counts { account_id = "a", fleet = "f" })
    assert.equal(fleet.live, counts.starting + counts.running)
    assert.equal(fleet.queued, counts.queued)
    local rounds = select(2, output:gsub("added ", ""))
    assert.is_true(fleet.added >= 3 * rounds and fleet.added <= 3 * rounds + 3, fleet.added .. "\n" .. output)
    assert.equal(fleet.added, counts.done + counts.starting + counts.running + counts.queued)
  end
  local order = { starting = 1, running = 2, done = 3 }
  for word, least in pairs { claimed = 1, recorded = 2, ended = 3 } do
    for run_id in output:gmatch(word .. " (%S+)") do
      local run = assert(ledger:run(run_id))
      assert.is_true(order[run.state] >= least, word .. ", but " .. run.state)
      assert.equal(1, #assert(ledger:conversation_ids(run_id)))
    end
  end
  ledger:close()
end

describe("the file of a ledger", function()
  local directory, remove

  if not databases.is_supported "SQLite" then return it("is tested", function() pending "LuaDBI is missing" end) end

  before_each(function() directory, remove = files.directory() end)
  after_each(function() remove() end)

  local function child(program, before)
    files.write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path,
      package.cpath) .. program)
    return shell(("%s%s %s/program.lua"):format(before or "", processes.quoted(processes.interpreter()), directory))
  end

  for _, umask in ipairs { "000", "777" } do it("is its user's alone, with umask " .. umask, function()
    local output = child([[
      local ledger = assert(require("openhands.fleet.ledger").open())
      assert(ledger:open_fleet { account_id = "a", fleet = "f" })
      os.execute "cd $HOME && find . ! -name program.lua -printf '%m %p\n' | sort"
    ]], ("umask %s; unset XDG_STATE_HOME; chmod 755 %s; HOME=%s "):format(umask, directory, directory))
    assert.equal("600 ./.local/state/openhands/ledger.db\n600 ./.local/state/openhands/ledger.db-shm\n" ..
      "600 ./.local/state/openhands/ledger.db-wal\n700 ./.local\n700 ./.local/state\n700 ./.local/state/openhands\n" ..
      "755 .\n", output)
  end) end

  it("stands below XDG_STATE_HOME, and others lose their permissions to it", function()
    os.execute(("mkdir %s/openhands; : >%s/openhands/ledger.db; chmod 666 %s/openhands/ledger.db"):format(directory,
      directory, directory))
    local output = child([[
      local ledger = assert(require("openhands.fleet.ledger").open())
      print(ledger.name)
    ]], ("HOME=/nowhere XDG_STATE_HOME=%s "):format(directory))
    assert.equal(directory .. "/openhands/ledger.db\n", output)
    assert.equal("600", shell(("stat -c %%a %s/openhands/ledger.db"):format(directory)):match "%d+")
  end)

  it("says what is missing or wrong", function()
    local ledger, err = ledgers.open(directory .. "/none/ledger.db")
    assert.same({ nil, "ledger", "none" }, { ledger, err.kind, err.effect })
    files.write(directory .. "/text", ("no database "):rep(1000))
    ledger, err = ledgers.open(directory .. "/text")
    assert.same({ nil, "ledger" }, { ledger, err.kind })
    ledger, err = ledgers.open(directory)
    assert.same({ nil, "ledger" }, { ledger, err.kind })
    assert.equal("missing lua-dbi-sqlite3\n", child([[
      package.preload["dbd.sqlite3"] = function() error "absent" end
      local ledger, err = require("openhands.fleet.ledger").open(arg[0] .. ".db")
      print("missing " .. err.message:match "lua%-dbi%-[a-z0-9]+")
    ]]))
    for _, where in ipairs {
      "", "a\nb", "mysql://u:secret@h/b", "postgresql://u:sec ret@h/b", "postgresql:/u:secret@h/b",
      "postgresql://u:secret?x@h/b", "postgresql://u:secret/x@h/b", "postgresql://u:secret@x@h/b",
    } do
      local good, problem = pcall(ledgers.open, where)
      assert.is_false(good)
      assert.is_nil(tostring(problem):find "sec")
    end
  end)

  it("that is damaged is not tried again", function()
    local ledger = assert(ledgers.open(directory .. "/ledger.db"))
    assert(ledger:open_fleet { account_id = "a", fleet = "f" })
    ledger:close()
    local file = assert(io.open(directory .. "/ledger.db", "r+b"))
    file:seek("set", 4096)
    file:write(("damage "):rep(10000))
    file:close()
    local reopened, err = ledgers.open(directory .. "/ledger.db")
    if reopened then
      reopened, err = reopened:open_fleet { account_id = "a", fleet = "f" }
    end
    assert.same({ nil, "ledger", false }, { reopened, err.kind, err.retryable })
  end)

  it("is not used by a forked child", function()
    local found, ffi = pcall(require, "ffi")
    if not found then return pending "needs a Lua that can fork" end
    ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]]
    local path = directory .. "/ledger.db"
    local ledger = assert(ledgers.open(path))
    assert(ledger:open_fleet { account_id = "a", fleet = "f" })
    local pid = ffi.C.fork()
    if pid == 0 then
      local used = pcall(ledger.fleet, ledger, { account_id = "a", fleet = "f" })
      local opened = pcall(ledgers.open, path)
      collectgarbage()
      ffi.C._exit((used and 1 or 0) + (opened and 2 or 0))
    end
    local status = ffi.new "int[1]"
    assert.equal(pid, ffi.C.waitpid(pid, status, 0))
    assert.equal(0, status[0] / 256)
    assert(ledger:fleet { account_id = "a", fleet = "f" })
    ledger:close()
  end)

  local injections = { -- strace's words for a fault at the n-th call; the distance of points; what the worker says
    { "a kill", "signal=SIGKILL:when=%d", 2, "Killed" },
    { "a full disk", "error=ENOSPC:when=%d+", 11, "refused ledger" },
    { "one I/O error", "error=EIO:when=%d", 11, "refused ledger" },
  }

  for _, injection in ipairs(injections) do
    it("is whole after " .. injection[1] .. " at any call that writes", function()
      if shell "strace -o /dev/null true; echo $?" ~= "0\n" then return pending "strace is missing, or not allowed" end
      local point, points = 1, 0
      while point < MOST_CALLS do
        local path = ("%s/%d.db"):format(directory, point)
        local when = injection[2]:format(point)
        local output = child(WORKER:format(path, "w"), "timeout -s KILL 60 strace -f -o /dev/null " ..
          ("-e trace=%s -e inject=%s:%s "):format(CALLS, CALLS, when))
        assert.is_truthy(output:find(injection[4], 1, true), output)
        check(path, output)
        points = points + 1
        point = point + (STEP or point < SCHEMA_CALLS and 15 or injection[3])
      end
      if STEP then print(("%s: %d points of the ledger alone"):format(injection[1], points)) end
    end)
  end
end)
