--- Lets some items wait for others: for those that they depend on, and all of a fleet for its canaries. What waits for
--- an item that has failed is skipped. All within the transaction that ends the item, or adds the one that waits.

local arguments = require "openhands.fleet.ledger.arguments"
local errors = require "openhands.errors"
local states = require "openhands.fleet.ledger.states"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local FIND = [[select run_id, state from openhands_runs where account_id = ? and fleet = ? and key = ?]]

local NEED = [[insert into openhands_needs (needed_run_id, run_id) values (?, ?) on conflict do nothing]]

local RELEASE = [[update openhands_runs set unmet = unmet - 1
  where run_id in (select run_id from openhands_needs where needed_run_id = ?)]]

local WAITING = [[select openhands_runs.run_id, key, {whole:position}, account_id, fleet
  from openhands_needs join openhands_runs on openhands_runs.run_id = openhands_needs.run_id
  where needed_run_id = ? and state = 'queued' order by openhands_runs.position]]

local SKIP = [[update openhands_runs set state = 'skipped', error = ?, ended_at = {now}
  where run_id = ? and state = 'queued']]

local SKIP_REST = [[update openhands_runs set state = 'skipped', error = ?, ended_at = {now}
  where account_id = ? and fleet = ? and state = 'queued' and position > ?]]

local UNCOUNT = [[update openhands_fleets set queued = queued - cast(? as bigint) where account_id = ? and fleet = ?]]

local FAILED_CANARY = [[select key, state from openhands_runs where account_id = ? and fleet = ?
  and position <= ? and state in ('failed', 'cancelled', 'skipped', 'ambiguous') order by position limit 1]]

local CANARY = "select {whole:canary} from openhands_fleets where account_id = ? and fleet = ?"

local words = { failed = "has failed", cancelled = "was cancelled", skipped = "was skipped",
  ambiguous = "may have been started, which nobody can tell" }

--- Subtracts runs that have left the queue from their fleet's count of queued runs.
---@param connection openhands.LedgerConnection
---@param account string
---@param fleet string
---@param count integer
function M.left_queue(connection, account, fleet, count)
  if count > 0 then
    connection:change(UNCOUNT, count, account, fleet)
  end
end

--- Skips what waits for the canaries of a fleet if one of them has ended badly.
---@param connection openhands.LedgerConnection
---@param account string
---@param fleet string
---@return integer count of the skipped
function M.skip_after_canaries(connection, account, fleet)
  local row = connection:row(CANARY, account, fleet)
  local canary = row and tonumber(row.canary) or 0
  local failed = canary > 0 and connection:row(FAILED_CANARY, account, fleet, canary)
  if failed then
    local reason = ("not started, because the canary '%s' %s"):format(failed.key, words[failed.state])
    local count = connection:change(SKIP_REST, reason, account, fleet, canary)
    M.left_queue(connection, account, fleet, count)
    return count
  end
  return 0
end

-- Skips a queued run, and returns those that wait for it.
local function skip(connection, run, reason)
  if connection:change(SKIP, reason, run.run_id) == 1 then
    run.state = "skipped"
    M.left_queue(connection, run.account_id, run.fleet, 1)
    return connection:rows(WAITING, run.run_id)
  end
  return {}
end

--- Takes the end of a run: what waits for it may start, or is skipped.
---@param connection openhands.LedgerConnection
---@param run { run_id: string, key: string, account_id: string, fleet: string, failed: string? }
---@param state openhands.RunState the one that it has ended with
---@return integer count of the skipped
function M.ended(connection, run, state)
  if state == "done" then
    connection:change(RELEASE, run.run_id)
    return 0
  end
  local reason = ("not started, because '%s' %s"):format(run.key, words[state])
  local waiting, place, count = connection:rows(WAITING, run.run_id), 1, 0
  while waiting[place] do
    for _, other in ipairs(skip(connection, waiting[place], reason)) do
      waiting[#waiting + 1] = other
    end
    count = count + (waiting[place].state == "skipped" and 1 or 0)
    place = place + 1
  end
  return count + M.skip_after_canaries(connection, run.account_id, run.fleet)
end

--- Returns the error about an item that depends on another one, which its fleet does not have.
---@param key string of the item
---@param needed string key of the other one
---@return openhands.Error
function M.missing(key, needed)
  return errors.new { kind = "invalid", operation = "add", effect = "none", key = key,
    message = ("add: item '%s' depends on '%s', which the fleet does not have yet: add that one first"):format(key,
      needed) }
end

--- Makes a run that was just added wait for the items that it depends on. The fleet has these before: so none can wait
--- for itself, however long the chain.
---@param connection openhands.LedgerConnection
---@param run { run_id: string, key: string, account_id: string, fleet: string, failed: string? }
---@param keys string[]
---@return openhands.Error? err the fleet does not have one of them
function M.depend(connection, run, keys)
  local unmet, failed, failed_state = 0, nil, nil
  for _, key in ipairs(keys) do
    local needed = key ~= run.key and connection:row(FIND, run.account_id, run.fleet, key)
    if not needed then
      return M.missing(run.key, key)
    end
    local is_new = connection:change(NEED, needed.run_id, run.run_id) == 1
    unmet = unmet + (is_new and needed.state ~= "done" and 1 or 0)
    if states.ENDED[needed.state] and needed.state ~= "done" then
      failed, failed_state = failed or key, failed_state or needed.state
    end
  end
  connection:change("update openhands_runs set unmet = cast(? as bigint) where run_id = ?", unmet, run.run_id)
  if failed then
    run.failed = ("not started, because '%s' %s"):format(failed, words[failed_state])
  end
end

--- Skips those of the runs that were just added, and counted, that wait for what has failed before.
---@param connection openhands.LedgerConnection
---@param account string
---@param fleet string
---@param runs table[]
function M.added(connection, account, fleet, runs)
  for _, run in ipairs(runs) do
    if run.failed then
      skip(connection, run, run.failed)
    end
  end
  M.skip_after_canaries(connection, account, fleet)
end

local FAILED_NEED = [[select others.key as key, others.state as state
  from openhands_needs join openhands_runs others on others.run_id = openhands_needs.needed_run_id
  where openhands_needs.run_id = ? and others.state in ('failed', 'cancelled', 'skipped', 'ambiguous')
  order by others.position limit 1]]

--- Skips those of the runs that were just returned to the queue that wait for what has failed.
---@param connection openhands.LedgerConnection
---@param account string
---@param fleet string
---@param runs openhands.Run[] those that were added, in their order
function M.returned(connection, account, fleet, runs)
  for _, run in ipairs(runs) do
    local failed = connection:row(FAILED_NEED, run.run_id)
    if failed then
      skip(connection, run, ("not started, because '%s' %s"):format(failed.key, words[failed.state]))
    end
  end
  M.skip_after_canaries(connection, account, fleet)
end

local NEEDS = [[select openhands_runs.key as key, others.key as needed
  from openhands_runs join openhands_needs on openhands_needs.run_id = openhands_runs.run_id
  join openhands_runs others on others.run_id = openhands_needs.needed_run_id
  where openhands_runs.account_id = ? and openhands_runs.fleet = ? and openhands_runs.state = 'queued'
  and others.state <> 'done' order by openhands_runs.position, others.position]]

--- Reads for which items the queued items of a fleet wait.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string }
---@return table<string, string[]>? keys by the key of the item that waits
---@return openhands.Error? err
function M.needs(ledger, fields)
  local account, fleet = arguments.fleet("needs", fields)
  return transaction.run(ledger, "needs", function(connection)
    local keys = {}
    for _, row in ipairs(connection:rows(NEEDS, account, fleet)) do
      keys[row.key] = keys[row.key] or {}
      table.insert(keys[row.key], row.needed)
    end
    return keys
  end)
end

return M
