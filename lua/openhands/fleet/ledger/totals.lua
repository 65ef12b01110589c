--- Reads what a fleet is doing, in one transaction: its limits, what its runs add up to, and its live runs.

local arguments = require "openhands.fleet.ledger.arguments"
local connections = require "openhands.fleet.ledger.connection"
local fleets = require "openhands.fleet.ledger.fleets"
local reading = require "openhands.fleet.ledger.reading"
local states = require "openhands.fleet.ledger.states"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local MOST_LIVE = 1000 -- live runs that are read

---@class openhands.LedgerTotals
---@field now number time of the database, in seconds since 1970
---@field fleet openhands.FleetRow
---@field counts table<openhands.RunState, integer> 0 where there are none
---@field cost number of the runs whose cost is known
---@field without_cost integer runs that are done or failed, and whose cost is not known
---@field live openhands.Run[] those that have a slot, in the order in which they were added, without their requests

local NOW = "select cast(cast(round({now} * 1000000) as bigint) as text) as moment"

local BY_STATE = [[select state, cast(count(*) as text) as runs, cast(count(cost) as text) as with_cost,
  cast(cast(round(coalesce(sum(cost), 0) * 1000000) as bigint) as text) as total_cost
  from openhands_runs where account_id = ? and fleet = ? group by state]]

local LIVE = "select " .. reading.COLUMNS .. [[ from openhands_runs
  where account_id = ? and fleet = ? and slot = 1 order by openhands_runs.position limit ]] .. MOST_LIVE

local function add_up(totals, rows)
  for state in pairs(states.FROM) do
    totals.counts[state] = 0
  end
  for _, row in ipairs(rows) do
    local runs = tonumber(row.runs) --[[@as integer]]
    totals.counts[row.state] = runs
    totals.cost = totals.cost + connections.decimal(row.total_cost)
    if row.state == "done" or row.state == "failed" then
      totals.without_cost = totals.without_cost + runs - tonumber(row.with_cost)
    end
  end
end

--- Reads the totals of a fleet.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string }
---@return openhands.LedgerTotals?
---@return openhands.Error? err
function M.totals(ledger, fields)
  local account, fleet = arguments.fleet("totals", fields)
  return transaction.run(ledger, "totals", function(connection)
    local row, err = fleets.read(connection, "totals", account, fleet)
    if not row then
      return nil, err
    end
    local totals = { now = connections.decimal(connection:row(NOW).moment), fleet = row, counts = {}, cost = 0,
      without_cost = 0, live = reading.to_runs(connection:rows(LIVE, account, fleet)) }
    add_up(totals, connection:rows(BY_STATE, account, fleet))
    return totals
  end)
end

return M
