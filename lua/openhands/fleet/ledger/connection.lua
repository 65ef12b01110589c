--- One connection to the database of a ledger, through LuaDBI. Prepares each statement once. What goes wrong in the
--- database is raised as a failure, which `openhands.fleet.ledger.transaction` catches.
---
--- In the statements, {now} is the time of the database, and {lock} locks the rows that are read. {whole:column},
--- {decimal:column} and {until:column} read numbers as texts, the last two in millionths: LuaDBI would cut whole
--- numbers to 32 bits, and it reads fractions as the locale writes them. {until:column} is the time from now until that
--- moment.

local core = require "openhands.core"
local errors = require "openhands.errors"
local location = require "openhands.fleet.ledger.location"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local M = {}

--- What distinguishes a database: see `sqlite.lua` and `postgresql.lua`.
---@class openhands.LedgerDialect
---@field driver string LuaDBI's name of the driver
---@field module string that LuaDBI loads for it
---@field ["package"] string of Debian
---@field rock string of LuaRocks
---@field now string SQL of the time, in seconds since 1970
---@field lock string SQL at the end of a query whose rows shall stay locked until the end of the transaction
---@field begin string SQL that begins a transaction
---@field has_table string SQL that reads as many rows as there are tables of a name
---@field lock_schema string? SQL that keeps other processes from changing the schema until the end of the transaction
---@field check fun(at: openhands.LedgerLocation) raises if this process must not open a connection
---@field connect fun(dbi: table, at: openhands.LedgerLocation): table?, string? opens a connection of LuaDBI
---@field prepare fun(connection: openhands.LedgerConnection) sets a new connection up; raises failures
---@field bound fun(value: any): any a value as LuaDBI has to get it
---@field keeps_failures boolean? whether a statement of LuaDBI that failed fails again when it is next executed
---@field is_busy (fun(problem: string): boolean)? whether the database says that it has waited for another program
---@field is_damage (fun(problem: string): boolean)? whether the database says that it is damaged

---@class openhands.LedgerConnection
---@field dialect openhands.LedgerDialect
---@field private at openhands.LedgerLocation
---@field private raw any LuaDBI's connection
---@field private statements table<string, any> LuaDBI's statements, by their text
---@field private generation integer of the process that made it
local Connection = {}
Connection.__index = Connection

local Failure = {}

local open_connections = setmetatable({}, { __mode = "k" })
local inherited_paths = {}

--- Returns whether a file of SQLite was open in the process from which this one was forked.
---@param path string
---@return boolean
function M.is_inherited(path)
  for connection in pairs(open_connections) do
    if connection.at.path == path and connection:is_inherited() then
      return true
    end
  end
  return inherited_paths[path] or false
end

-- Raises what the database reports.
local function fail(text)
  error(setmetatable({ text = text }, Failure), 0)
end

--- Returns what the database reported, if a raised value is a failure of the database.
---@param problem any
---@return string?
function M.failure(problem)
  return getmetatable(problem) == Failure and problem.text or nil
end

M.fail = fail

--- Returns a number that was read with {decimal:column} or {until:column}.
---@param text string?
---@return number?
function M.decimal(text)
  return text and tonumber(text) / 1000000
end

local function expanded(dialect, sql)
  sql = sql:gsub("{whole:([a-z_]+)}", "cast(%1 as text) as %1")
  sql = sql:gsub("{decimal:([a-z_]+)}", "cast(cast(round(%1 * 1000000) as bigint) as text) as %1")
  sql = sql:gsub("{until:([a-z_]+)}", "cast(cast(round((%1 - {now}) * 1000000) as bigint) as text) as %1")
  return (sql:gsub("{([a-z]+)}", dialect))
end

-- Calls a method of LuaDBI, which raises some failures and returns others.
local function call(connection, object, method, ...)
  local good, value, why = pcall(object[method], object, ...)
  if not good then
    if errors.is_interrupt(value) then
      error(value, 0)
    end
    fail(location.without_password(connection.at, value))
  elseif not value then
    fail(location.without_password(connection.at, why or "unknown reason"))
  end
  return value
end

function Connection:_statement(sql)
  local statement = self.statements[sql]
  if not statement then
    statement = call(self, self.raw, "prepare", expanded(self.dialect, sql))
    self.statements[sql] = statement
  end
  return statement
end

function Connection:_drop(sql)
  local statement = self.statements[sql]
  self.statements[sql] = nil
  pcall(statement.close, statement)
end

-- Drops a statement that has failed, where it would fail again when it is next executed.
function Connection:_drop_failed(sql)
  if self.dialect.keeps_failures then
    self:_drop(sql)
  end
end

function Connection:_execute(sql, ...)
  local statement, values, count = self:_statement(sql), { ... }, select("#", ...)
  for place = 1, count do
    values[place] = self.dialect.bound(values[place])
  end
  local good, problem = pcall(call, self, statement, "execute", unpack(values, 1, count))
  if not good then
    self:_drop_failed(sql)
    error(problem, 0)
  end
  return statement
end

--- Runs a query.
---@param sql string
---@return table[] rows by name of the column
function Connection:rows(sql, ...)
  local statement, rows = self:_execute(sql, ...), {}
  while true do
    local good, row, why = pcall(statement.fetch, statement, true)
    if not good or (row == nil and why) then
      self:_drop_failed(sql)
      if errors.is_interrupt(row) then
        error(row, 0)
      end
      fail(location.without_password(self.at, why or row))
    elseif not row then
      return rows
    end
    rows[#rows + 1] = row
  end
end

--- Runs a query, and returns its first row.
---@param sql string
---@return table?
function Connection:row(sql, ...)
  return self:rows(sql, ...)[1]
end

--- Runs a statement that changes rows.
---@param sql string
---@return integer changed rows
function Connection:change(sql, ...)
  return call(self, self:_execute(sql, ...), "affected")
end

--- Runs a statement that is used once.
---@param sql string
function Connection:run_once(sql)
  self:_execute(sql)
  self:_drop(sql)
end

--- Closes the connection; a dead one, too.
function Connection:close()
  for _, statement in pairs(self.statements) do
    pcall(statement.close, statement)
  end
  self.statements, open_connections[self] = {}, nil
  pcall(self.raw.close, self.raw)
end

--- Returns whether this process is a forked child of the one that made the connection.
---@return boolean
function Connection:is_inherited()
  return self.generation ~= core.generation()
end

--- Keeps LuaDBI from ending an inherited connection when it is collected: that would end the session of the parent, or
--- drop what SQLite has locked for it.
function Connection:abandon()
  for _, statement in pairs(self.statements) do
    debug.setmetatable(statement, nil)
  end
  debug.setmetatable(self.raw, nil)
  self.statements, open_connections[self] = {}, nil
  inherited_paths[self.at.path or ""] = true
end

local function load_driver(dialect)
  local good, dbi = pcall(require, "DBI")
  if good and pcall(require, dialect.module) then
    return dbi
  end
  if not good then
    package.loaded.DBI = nil -- Lua 5.1 would refuse to load it again
  end
  return nil, ("the ledger needs LuaDBI's driver %s: install Debian's package %s, or the rocks luadbi and %s"):format(
    dialect.driver, dialect.package, dialect.rock)
end

--- Opens a connection.
---@param dialect openhands.LedgerDialect
---@param at openhands.LedgerLocation
---@return openhands.LedgerConnection?
---@return string? problem
---@return boolean? is_lasting whether another try cannot succeed
function M.open(dialect, at)
  local dbi, missing = load_driver(dialect)
  if not dbi then
    return nil, missing, true
  end
  dialect.check(at)
  local good, raw, why = pcall(dialect.connect, dbi --[[@as table]], at)
  if not good or not raw then
    if errors.is_interrupt(raw) then
      error(raw, 0)
    end
    return nil, location.without_password(at, why or raw), false
  end
  local self = setmetatable({ dialect = dialect, at = at, raw = raw, statements = {}, generation = core.generation() },
    Connection)
  open_connections[self] = true
  local prepared, problem = pcall(function()
    raw:autocommit(true)
    dialect.prepare(self)
  end)
  if prepared then
    return self
  end
  self:close()
  local text = M.failure(problem)
  if not text then
    error(problem, 0)
  end
  return nil, text, dialect.is_damage ~= nil and dialect.is_damage(text)
end

return M
