--- Runs an operation of a ledger as one transaction: connects again after the connection was lost, and says what an
--- operation that failed has changed.

local connections = require "openhands.fleet.ledger.connection"
local errors = require "openhands.errors"

local M = {}

--- Returns the error of an operation whose database failed.
---@param operation string
---@param problem string
---@param more table? further fields of the error
---@return openhands.Error
function M.failed(operation, problem, more)
  local fields = more or {}
  fields.kind, fields.operation = "ledger", operation
  fields.effect = fields.effect or "none"
  if fields.retryable == nil then
    fields.retryable = true
  end
  fields.message = ("%s: the ledger's database failed: %s"):format(operation, problem)
  return errors.new(fields)
end

--- Closes the connection of a ledger; its next operation opens another one.
---@param ledger openhands.Ledger
function M.disconnect(ledger)
  local connection = ledger._connection
  ledger._connection = nil
  if connection then
    connection:close()
  end
end

-- Returns the connection of a ledger, a new one if it has none.
local function connected(ledger, operation)
  if ledger._is_closed then
    errors.raise(operation .. ": the ledger is closed")
  end
  local connection = ledger._connection
  if connection and connection:is_inherited() then
    connection:abandon()
    ledger._connection, ledger._is_closed = nil, true
    errors.raise(operation .. ": the ledger was opened before this process was forked: open it after forking")
  elseif connection then
    return connection
  end
  local problem, is_lasting
  connection, problem, is_lasting = connections.open(ledger._dialect, ledger._location)
  if not connection then
    return nil, M.failed(operation, ("%s (at %s)"):format(problem, ledger.name), { retryable = not is_lasting })
  end
  ledger._connection = connection
  return connection
end

local function is_busy(ledger, problem)
  local says_so = ledger._dialect.is_busy
  return says_so ~= nil and says_so(problem)
end

-- Returns the error of an operation on a connection that failed. A database that is damaged stays so.
local function failed_on(ledger, operation, problem, more)
  local fields, dialect = more or {}, ledger._dialect
  fields.retryable = not (dialect.is_damage and dialect.is_damage(problem))
  if is_busy(ledger, problem) then
    problem = problem .. ": another program has kept it busy, e.g. a dry run that is open"
  end
  return M.failed(operation, ("%s (at %s)"):format(problem, ledger.name), fields)
end

-- Runs a function, and raises again what is no failure of the database.
local function attempt(ledger, action, ...)
  local good, value, err = pcall(action, ...)
  if good then
    return true, value, err
  end
  local failure = connections.failure(value)
  if not failure then
    M.disconnect(ledger) -- an error of the program, or Ctrl-C: its transaction ends with the connection
    error(value, 0)
  end
  return false, failure
end

local function begin(connection)
  connection:change(connection.dialect.begin)
end

-- Begins a transaction. That the connection was lost shows here, where nothing has been done yet: connects again.
local function begun(ledger, operation)
  local is_new, problem
  repeat
    is_new = ledger._connection == nil
    local connection, err = connected(ledger, operation)
    if not connection then
      return nil, err
    end
    local good, failure = attempt(ledger, begin, connection)
    if good then
      return connection
    end
    problem = failure
    if is_busy(ledger, problem) then -- the connection is good, and has waited
      break
    end
    M.disconnect(ledger)
  until is_new
  return nil, failed_on(ledger, operation, problem)
end

local function roll_back(ledger, connection)
  ledger._rehearsed_on = nil
  if not attempt(ledger, connection.change, connection, "rollback") then
    M.disconnect(ledger)
  end
end

--- Has a ledger keep nothing from now on: its operations see what the earlier ones did, within one transaction that is
--- never committed. Other processes cannot write until `forget` or the end of the connection.
---@param ledger openhands.Ledger
---@param opening (fun(): any, openhands.Error?)? what each such transaction begins with, also after `forget`
function M.rehearse(ledger, opening)
  ledger._is_rehearsal, ledger._opening = true, opening
end

--- Rolls back what a rehearsal has done so far.
---@param ledger openhands.Ledger
function M.forget(ledger)
  local connection = ledger._connection
  if connection and ledger._rehearsed_on == connection and not connection:is_inherited() then
    roll_back(ledger, connection)
  end
end

-- Begins the transaction of a rehearsal, if there is none.
local function begin_rehearsal(ledger, connection)
  if ledger._rehearsed_on == connection then
    return nil
  end
  ledger._rehearsed_on = connection
  return ledger._opening and select(2, ledger._opening())
end

-- Runs an operation of a rehearsal. If it is refused, what the earlier ones did stays.
local function rehearsed(connection, action)
  connection:change "savepoint openhands_operation"
  local value, refusal = action(connection)
  if errors.is(refusal) then
    connection:change "rollback to savepoint openhands_operation"
  end
  connection:change "release savepoint openhands_operation"
  return value, refusal
end

--- Runs a function within a transaction, and commits unless the function returns an error or the ledger rehearses.
---@param ledger openhands.Ledger
---@param operation string
---@param action fun(connection: openhands.LedgerConnection): any, any
---@return any value
---@return any err of kind "ledger" if the database failed. With the effect "unknown" it may have been done: the same
--- operation, called again, finds out.
function M.run(ledger, operation, action)
  local connection, err = ledger._connection, nil
  if not connection or ledger._rehearsed_on ~= connection or connection:is_inherited() then
    connection, err = begun(ledger, operation)
  end
  if not connection then
    return nil, err
  end
  local good, value, refusal
  if ledger._is_rehearsal then
    err = begin_rehearsal(ledger, connection)
    if err then
      return nil, err
    end
    good, value, refusal = attempt(ledger, rehearsed, connection, action)
  else
    good, value, refusal = attempt(ledger, action, connection)
  end
  if not good then
    roll_back(ledger, connection)
    return nil, failed_on(ledger, operation, value)
  elseif ledger._is_rehearsal then
    return value, refusal
  elseif errors.is(refusal) then
    roll_back(ledger, connection)
    return nil, refusal
  end
  local committed, failure = attempt(ledger, connection.change, connection, "commit")
  if not committed then
    M.disconnect(ledger)
    return nil, failed_on(ledger, operation, "the commit failed, its outcome is unknown: " .. failure,
      { effect = "unknown" })
  end
  return value, refusal
end

return M
