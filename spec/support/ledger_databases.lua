--- Databases for the specs of ledgers: a file of SQLite, and a PostgreSQL server of their own that listens on a socket
--- in a directory of their own. Without PostgreSQL its specs are pending, or fail with CI=true.
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"

local M = {}

local PASSWORD = "Se%2Fcret-w0rd" -- "/", which a URL must escape

-- Runs a command of a shell; returns its output, and whether it succeeded.
local function shell(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1; echo \" $?\""))
  local output = pipe:read "*a"
  pipe:close()
  return output:gsub(" (%d+)\n$", ""), output:match " (%d+)\n$" == "0"
end

local function sqlite(name)
  local directory, remove = files.directory(name == "SQLite in memory" and "/dev/shm" or nil)
  return {
    address = directory .. "/ledger.db", path = directory .. "/ledger.db",
    stop = remove,
  }
end

-- Returns the directory of the programs of the newest PostgreSQL.
local function programs()
  local output = shell "ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t / -k 5 -n | tail -n 1"
  return output:match "^(/%S+)"
end

local function postgresql()
  -- LuaDBI leaks a connection that could not be opened, and the result of a statement that failed. The sanitizer cannot
  -- leave them out by name, because LuaDBI is unloaded before it reports.
  if os.getenv "ASAN_OPTIONS" then return nil end
  local bin = programs()
  if not bin then
    assert(os.getenv "CI" ~= "true", "PostgreSQL is missing: tools/setup.sh test")
    return nil
  end
  local directory, remove = files.directory()
  -- It refuses to run as root. Sanitizers of the interpreter are not for it.
  local as = shell "id -u":match "^0" and "setpriv --reuid=postgres --regid=postgres --clear-groups " or ""
  as = as .. "env -u LD_PRELOAD LC_ALL=C " .. bin .. "/"
  if as:find "^setpriv" then
    assert(select(2, shell("chown postgres " .. directory)))
  end
  local self = {}
  local function ctl(action)
    local output, good = shell(("cd %s && %spg_ctl -D %s/data -w -t 60 -l %s/log %s </dev/null"):format(directory,
      as, directory, directory, action))
    return good or error(output)
  end
  --- Starts the server; `stop_server` stops it.
  function self.start_server()
    return ctl(("-o '-c listen_addresses= -c unix_socket_directories=%s -c fsync=off -c shared_buffers=16MB " ..
      "-c max_connections=40' start"):format(directory))
  end
  function self.stop_server() return ctl "-m immediate stop" end
  function self.stop()
    pcall(self.stop_server)
    remove()
  end
  local output, good = shell(("cd %s && %sinitdb -D %s/data -U postgres -A trust --no-sync -E UTF8 </dev/null"):format(
    directory, as, directory))
  assert(good, output)
  self.start_server()
  self.address = ("postgresql://postgres:%s@/postgres?host=%s"):format(PASSWORD, directory)
  self.password, self.decoded_password = PASSWORD, "Se/cret-w0rd"
  return self
end

--- Returns whether LuaDBI has a driver. Where `CI=true` says that all must be there, fails if there is none; Debian has
--- none for Lua 5.5.
---@param name "SQLite"|"SQLite in memory"|"PostgreSQL"
---@return boolean
function M.is_supported(name)
  local is_there = pcall(require, "DBI") and pcall(require, name == "PostgreSQL" and "dbd.postgresql" or "dbd.sqlite3")
  assert(is_there or os.getenv "CI" ~= "true" or _VERSION == "Lua 5.5", "LuaDBI is missing: tools/setup.sh test")
  return is_there
end

--- Starts a database.
---@param name "SQLite"|"SQLite in memory"|"PostgreSQL"
---@return table? database `address` for `ledger.open`, `stop()`; nil: it is not installed
function M.start(name)
  return M.is_supported(name) and (name == "PostgreSQL" and postgresql or sqlite)(name) or nil
end

--- For a `describe`: returns a function in place of `it`, which gives each spec a new database of SQLite. Without
--- LuaDBI these specs are pending.
---@param it function of busted, as the two others
---@param pending function
---@param after_each function
---@return fun(title: string, body: fun(database: table))
function M.specs(it, pending, after_each)
  local database
  after_each(function()
    if database then database.stop() end
    database = nil
  end)
  return function(title, body)
    it(title, function()
      if not M.is_supported "SQLite" then return pending "LuaDBI is missing" end
      database = M.start "SQLite"
      body(database)
    end)
  end
end

--- For a `describe`: gives each spec a new database of SQLite, and closes the fleets on it afterwards.
---@param before_each function of busted, as the other
---@param after_each function
---@param defaults? table settings of the fleets
---@return fun(client: openhands.Client, settings: table?): openhands.Fleet open opens a fleet, named "f" by default
---@return { database: table } current during a spec
function M.fleet_specs(before_each, after_each, defaults)
  local current, fleets = {}, {}
  before_each(function() current.database, fleets = M.start "SQLite", {} end)
  after_each(function()
    for _, fleet in ipairs(fleets) do fleet:close() end
    current.database.stop()
  end)
  return function(client, settings)
    local all = { name = "f", ledger = current.database.address }
    for _, some in ipairs { defaults or {}, settings or {} } do
      for name, value in pairs(some) do all[name] = value end
    end
    local fleet = assert(client:fleet(all))
    fleets[#fleets + 1] = fleet
    return fleet
  end, current
end

--- For a `describe`: opens a ledger on a new database before its specs, and ends both afterwards. The specs are pending
--- where the database is not installed.
---@param name "SQLite"|"PostgreSQL"
---@param busted { setup: function, teardown: function, it: function, pending: function }
---@param take fun(ledger: openhands.Ledger, database: table) is called before the specs
---@return fun(title: string, body: function) on_it in place of `it`
function M.ledger_specs(name, busted, take)
  local database, ledger
  busted.setup(function()
    database = M.start(name)
    if not database then return end
    ledger = assert(require "openhands.fleet.ledger".open(database.address))
    take(ledger, database)
  end)
  busted.teardown(function()
    if ledger then ledger:close() end
    if database then database.stop() end
  end)
  return function(title, body)
    busted.it(title, function()
      if not database then return busted.pending(name .. " is not installed") end
      body()
    end)
  end
end

--- For a `describe`: starts a database before its specs, each of which gets a new fleet on it and a new service. The
--- specs are pending where the database is not installed.
---@param name "SQLite"|"PostgreSQL"
---@param busted { setup: function, teardown: function, it: function, pending: function }
---@param options? table of the model of the service
---@return fun(title: string, body: function, settings: table?) on_it in place of `it`; calls `body` with the fleet, the
--- model, the client and the database. `settings` are those of the fleet
function M.new_fleets(name, busted, options)
  local database, number = nil, 0
  busted.setup(function() database = M.start(name) end)
  busted.teardown(function()
    if database then database.stop() end
  end)
  return function(title, body, settings)
    busted.it(title, function()
      if not database then return busted.pending(name .. " is not installed") end
      number = number + 1
      local client, model = in_process.simulated(options or { api = "v1" }, { grace = 2 })
      local all = { name = "f" .. number, ledger = database.address, start_interval = 0 }
      for setting, value in pairs(settings or {}) do all[setting] = value end
      local fleet = assert(client:fleet(all))
      body(fleet, model, client, database)
      fleet:close()
    end)
  end
end

--- Opens a connection beside the ledger.
---@param database table
---@return fun(sql: string, ...): table[] run runs a statement, and returns its rows
---@return fun() close
function M.connect(database)
  local DBI = require "DBI"
  local raw
  if database.path then
    raw = assert(DBI.Connect("SQLite3", database.path))
  else
    raw = assert(DBI.Connect("PostgreSQL", database.address))
  end
  raw:autocommit(true)
  return function(sql, ...)
    local statement = assert(raw:prepare(sql))
    assert(statement:execute(...))
    local rows = {}
    if sql:find "^select" or sql:find "^pragma" then
      for row in statement:rows(true) do rows[#rows + 1] = row end
    end
    statement:close()
    return rows
  end, function() raw:close() end
end

return M
