--- Gives places to runs whose sandboxes were paused: a run that is up counts, a paused one does not, though it keeps
--- its slot. One transaction decides for all workers, so that no two resume into the same place.

local arguments = require "openhands.fleet.ledger.arguments"
local changes = require "openhands.fleet.ledger.changes"
local connections = require "openhands.fleet.ledger.connection"
local limits = require "openhands.fleet.ledger.limits"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local ACCOUNT = "select " .. limits.COLUMNS .. " from openhands_accounts where account_id = ? {lock}"

local UP = [[select cast(count(*) as text) as up from openhands_runs
  where account_id = ? and slot = 1 and state <> 'paused']]

local BUDGET = "select {decimal:budget}, {decimal:cost} from openhands_fleets where account_id = ? and fleet = ?"

local RESUME = [[update openhands_runs set state = 'running', execution_status = ?
  where run_id = ? and fence = ? and state = 'paused']]

-- Returns whether the budget of a run's fleet is spent.
local function is_spent(connection, run)
  local row = connection:row(BUDGET, run.account_id, run.fleet)
  local budget = connections.decimal(row.budget)
  return budget ~= nil and connections.decimal(row.cost) >= budget
end

--- Makes a paused run a running one, if fewer runs are up than may be. Its owner resumes the sandbox afterwards.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param fields { others: integer?, mark: string } `others`: as for `claim`; `mark`: takes the place of the agent's
--- status; a call that is repeated with the same one, because its outcome was unknown, changes nothing
---@return openhands.Run|false|nil run false: it has to wait
---@return openhands.Error|openhands.NoClaim|nil why
function M.resume(ledger, run, fields)
  arguments.check_names("resume", fields, " others mark ")
  local mark = arguments.text("resume", fields, "mark")
  local others = arguments.whole("resume", fields, "others", 0, 0)
  return transaction.run(ledger, "resume", function(connection)
    local account = connection:row(ACCOUNT, run.account_id) -- before the run, as in claims
    local now, err = changes.owned(connection, "resume", run)
    if not account or not now then
      return nil, err or reading.unknown("resume", "such account")
    elseif now.state == "running" and now.execution_status == mark then
      return now
    elseif now.state ~= "paused" then
      return nil, changes.conflict("resume", now, "is not paused, but " .. now.state)
    elseif is_spent(connection, now) then
      return false, { reason = "budget", fleet = now.fleet }
    end
    local limit, is_trial = limits.of(account)
    local used = tonumber(connection:row(UP, now.account_id).up) + others
    if used >= limit then
      return false, { reason = "slots" }
    elseif is_trial and used + 1 == limit then
      limits.note_trial(connection, now.account_id, limit --[[@as integer]])
    end
    connection:change(RESUME, mark, now.run_id, now.fence)
    return reading.read(connection, now.run_id)
  end)
end

return M
