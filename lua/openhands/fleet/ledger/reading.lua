--- Reads the runs and fleets of a ledger.

local arguments = require "openhands.fleet.ledger.arguments"
local connections = require "openhands.fleet.ledger.connection"
local errors = require "openhands.errors"
local states = require "openhands.fleet.ledger.states"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local PAGE = 500 -- runs that are read at once, unless the caller says how many

--- The job of one item. Moments are seconds since 1970 by the clock of the database.
---@class openhands.Run
---@field run_id string
---@field account_id string
---@field fleet string
---@field key string of the item
---@field position integer among the items of its fleet, in the order in which items were added
---@field priority integer
---@field state openhands.RunState
---@field unmet integer number of items that must be done before it starts
---@field exclusive string? name of a group of which at most one is live
---@field conversation_id string sent with the start
---@field request string? JSON; absent in pages
---@field request_hash string
---@field fence integer of its owner: each change by an earlier owner fails with kind "fenced"
---@field owner string?
---@field lease_until number another worker may take a live run over after that moment
---@field attempts integer how often it was claimed from the queue
---@field intended_at number? before its start may have been sent
---@field not_before number
---@field task_id string?
---@field sandbox_id string?
---@field execution_status string?
---@field sandbox_status string?
---@field polled_at number?
---@field cost number?
---@field cost_before number part of that, of earlier conversations of the item
---@field result string? JSON
---@field error string?
---@field created_at number
---@field ended_at number?
---@field is_new boolean? from `add`: the item was not in the ledger before
---@field is_takeover boolean? from `claim`: another worker had it, its start may have been sent
---@field is_repeated boolean? from `claim`: was claimed with the same token before

local WHOLE = { "position", "priority", "unmet", "fence", "attempts" }
local DECIMAL = { "lease_until", "intended_at", "not_before", "polled_at", "cost", "cost_before",
  "created_at", "ended_at" }
local TEXT = { "run_id", "account_id", "fleet", "key", "state", "conversation_id", "exclusive", "request_hash", "owner",
  "task_id", "sandbox_id", "execution_status", "sandbox_status", "result", "error" }

--- SQL of the columns of a run, except the request.
M.COLUMNS = ("{whole:%s}, {decimal:%s}, %s"):format(table.concat(WHOLE, "}, {whole:"),
  table.concat(DECIMAL, "}, {decimal:"), table.concat(TEXT, ", "))

--- Turns a row of the database into a run, in place.
---@param row table
---@return openhands.Run
function M.to_run(row)
  for _, name in ipairs(WHOLE) do
    row[name] = tonumber(row[name])
  end
  for _, name in ipairs(DECIMAL) do
    row[name] = connections.decimal(row[name])
  end
  return row
end

--- Turns rows of the database into runs, in place.
---@param rows table[]
---@return openhands.Run[]
function M.to_runs(rows)
  for _, row in ipairs(rows) do
    M.to_run(row)
  end
  return rows
end

local ONE_RUN = "select " .. M.COLUMNS .. ", request from openhands_runs where run_id = ?"
local ONE_RUN_LOCKED = ONE_RUN .. " {lock}"

--- Reads a run within a transaction.
---@param connection openhands.LedgerConnection
---@param run_id string
---@param is_locked boolean? until the end of the transaction
---@return openhands.Run?
function M.read(connection, run_id, is_locked)
  local row = connection:row(is_locked and ONE_RUN_LOCKED or ONE_RUN, run_id)
  return row and M.to_run(row)
end

--- Returns the error of an operation on something that the ledger does not have.
---@param operation string
---@param what string
---@return openhands.Error
function M.unknown(operation, what)
  return errors.new {
    kind = "not_found", operation = operation, effect = "none",
    message = ("%s: the ledger has no %s"):format(operation, what),
  }
end

--- Reads one run, by its id.
---@param ledger openhands.Ledger
---@param run_id string
---@return openhands.Run?
---@return openhands.Error? err
function M.run(ledger, run_id)
  return transaction.run(ledger, "run", function(connection)
    local run = M.read(connection, run_id)
    if not run then
      return nil, M.unknown("run", "such run")
    end
    return run
  end)
end

-- Returns the error about an item that a fleet does not have.
local function unknown_item(operation, fleet, key)
  local err = M.unknown(operation, ("item '%s' in fleet '%s'"):format(key, fleet))
  err.key = key
  return err
end

local OF_KEY = "select " .. M.COLUMNS .. [[ from openhands_runs
  where account_id = ? and fleet = ? and key = ? {lock}]]

--- Returns the run of an item, locked until the end of the transaction.
---@param connection openhands.LedgerConnection
---@param operation string
---@param account string
---@param fleet string
---@param key string
---@return openhands.Run?
---@return openhands.Error? err of kind "not_found", with the field `key`
function M.of_key(connection, operation, account, fleet, key)
  local row = connection:row(OF_KEY, account, fleet, key)
  if row then
    return M.to_run(row)
  end
  return nil, unknown_item(operation, fleet, key)
end

--- Reads runs again within a transaction, as they are after its changes. Returns them in place of those given.
---@param connection openhands.LedgerConnection
---@param runs openhands.Run[]
---@return openhands.Run[]
function M.again(connection, runs)
  for place, run in ipairs(runs) do
    runs[place] = M.read(connection, run.run_id) --[[@as openhands.Run]]
  end
  return runs
end

--- Reads the run of an item.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, key: string }
---@return openhands.Run?
---@return openhands.Error? err
function M.find(ledger, fields)
  local account, fleet = arguments.fleet("find", fields, "key ")
  local key = arguments.text("find", fields, "key")
  return transaction.run(ledger, "find", function(connection)
    local row = connection:row("select " .. M.COLUMNS .. [[, request from openhands_runs
      where account_id = ? and fleet = ? and key = ?]], account, fleet, key)
    if not row then
      return nil, unknown_item("find", fleet, key)
    end
    return M.to_run(row)
  end)
end

local PAGE_OF_RUNS = "select " .. M.COLUMNS .. [[ from openhands_runs
  where account_id = ? and fleet = ? and openhands_runs.position > ? and state = coalesce(cast(? as text), state)
  order by openhands_runs.position limit ?]]

--- Reads a page of the runs of a fleet, in the order in which they were added, without their requests.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, after: integer?, limit: integer?, state: openhands.RunState? }
--- `after`: position of the last run of the previous page
---@return openhands.Run[]? runs none after the last page
---@return openhands.Error? err
function M.runs(ledger, fields)
  local account, fleet = arguments.fleet("runs", fields, "after limit state ")
  local after, limit = arguments.whole("runs", fields, "after", 0, 0), arguments.whole("runs", fields, "limit", PAGE, 1)
  local state = arguments.text("runs", fields, "state", false)
  if state and not states.FROM[state] then
    errors.raise(("runs: '%s' is no state of a run"):format(state))
  end
  return transaction.run(ledger, "runs", function(connection)
    return M.to_runs(connection:rows(PAGE_OF_RUNS, account, fleet, after, state, limit))
  end)
end

--- Counts the runs of a fleet.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string }
---@return table<openhands.RunState, integer>? counts 0 where there are none
---@return openhands.Error? err
function M.counts(ledger, fields)
  local account, fleet = arguments.fleet("counts", fields)
  return transaction.run(ledger, "counts", function(connection)
    local counts = {}
    for state in pairs(states.FROM) do
      counts[state] = 0
    end
    for _, row in ipairs(connection:rows([[select state, cast(count(*) as text) as number from openhands_runs
        where account_id = ? and fleet = ? group by state]], account, fleet)) do
      counts[row.state] = tonumber(row.number)
    end
    return counts
  end)
end

--- Reads which conversations and sandboxes the live runs of an account have, those of all its fleets.
---@param ledger openhands.Ledger
---@param fields { account_id: string }
---@return { conversation_id: string, sandbox_id: string?, state: openhands.RunState }[]?
---@return openhands.Error? err
function M.live(ledger, fields)
  arguments.check_names("live", fields, " account_id ")
  local account = arguments.text("live", fields, "account_id")
  return transaction.run(ledger, "live", function(connection)
    return connection:rows([[select conversation_id, sandbox_id, state from openhands_runs
      where account_id = ? and slot = 1]], account)
  end)
end

--- Reads every id with which a start of a run may have been sent, the oldest first.
---@param ledger openhands.Ledger
---@param run_id string
---@return { conversation_id: string, intended_at: number, dropped_because: string? }[]?
---@return openhands.Error? err
function M.conversation_ids(ledger, run_id)
  return transaction.run(ledger, "conversation_ids", function(connection)
    local rows = connection:rows([[select conversation_id, {decimal:intended_at}, dropped_because
      from openhands_run_ids where run_id = ? order by openhands_run_ids.intended_at, conversation_id]], run_id)
    for _, row in ipairs(rows) do
      row.intended_at = connections.decimal(row.intended_at)
    end
    return rows
  end)
end

return M
