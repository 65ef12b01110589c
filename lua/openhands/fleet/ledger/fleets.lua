--- Accounts and fleets: how many runs may be live, and when a fleet pauses.

local arguments = require "openhands.fleet.ledger.arguments"
local connections = require "openhands.fleet.ledger.connection"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local M = {}

local DEFAULT_SLOTS = 8

--- A fleet of an account.
---@class openhands.FleetRow
---@field fleet string
---@field weight number share of the account's slots, compared with other fleets
---@field slots integer? most live runs of this fleet
---@field live integer runs that have a slot
---@field queued integer
---@field added integer runs
---@field canary integer so many items must be done before the others start
---@field budget number? dollars
---@field cost number dollars, as far as it is known
---@field paused_for number seconds; 0 or less: not paused
---@field account_slots integer most live runs of the account, as the user allows
---@field learned_slots integer? the same, as the service is known to allow
---@field learned_for number seconds after which one more is tried

local READ = [[select fleet, {decimal:weight}, cast(openhands_fleets.slots as text) as slots, {whole:live},
  {whole:queued}, {whole:added}, {whole:canary}, {decimal:budget}, {decimal:cost},
  cast(cast(round((openhands_fleets.paused_until - {now}) * 1000000) as bigint) as text) as paused_for,
  cast(openhands_accounts.slots as text) as account_slots, {whole:learned_slots}, {until:learned_until}
  from openhands_fleets join openhands_accounts on openhands_accounts.account_id = openhands_fleets.account_id
  where openhands_fleets.account_id = ? and fleet = ?]]

--- Reads a fleet within a transaction.
---@param connection openhands.LedgerConnection
---@param operation string
---@param account string
---@param fleet string
---@return openhands.FleetRow?
---@return openhands.Error? err
function M.read(connection, operation, account, fleet)
  local row = connection:row(READ, account, fleet)
  if not row then
    return nil, reading.unknown(operation, "such fleet")
  end
  for _, name in ipairs { "slots", "live", "queued", "added", "canary", "account_slots", "learned_slots" } do
    row[name] = tonumber(row[name])
  end
  row.budget, row.cost = connections.decimal(row.budget), connections.decimal(row.cost)
  row.learned_for, row.learned_until = connections.decimal(row.learned_until), nil
  row.weight, row.paused_for = connections.decimal(row.weight), connections.decimal(row.paused_for)
  return row
end

--- Creates a fleet and its account, or changes the limits of existing ones. Limits that are not given stay.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, weight: number?, slots: integer?, account_slots: integer?,
--- canary: integer?, budget: number? } `canary`: 0 for none; `budget`: math.huge for none
---@return openhands.FleetRow?
---@return openhands.Error? err
function M.open_fleet(ledger, fields)
  local account, fleet = arguments.fleet("open_fleet", fields, "weight slots account_slots canary budget ")
  local weight = arguments.number("open_fleet", fields, "weight", false, 0.001)
  local slots = arguments.whole("open_fleet", fields, "slots", false, 0)
  local account_slots = arguments.whole("open_fleet", fields, "account_slots", false, 0)
  local canary = arguments.whole("open_fleet", fields, "canary", false, 0)
  local budget = fields.budget ~= math.huge and arguments.number("open_fleet", fields, "budget", false, 0) or nil
  return transaction.run(ledger, "open_fleet", function(connection)
    connection:change("insert into openhands_accounts (account_id, slots) values (?, ?) on conflict do nothing",
      account, account_slots or DEFAULT_SLOTS)
    if account_slots then
      connection:change("update openhands_accounts set slots = ? where account_id = ?", account_slots, account)
    end
    connection:change("insert into openhands_fleets (account_id, fleet) values (?, ?) on conflict do nothing", account,
      fleet)
    connection:change([[update openhands_fleets set weight = coalesce(cast(? as double precision), weight),
      slots = coalesce(cast(? as bigint), slots), canary = coalesce(cast(? as bigint), canary),
      budget = coalesce(cast(? as double precision), budget) where account_id = ? and fleet = ?]], weight, slots,
      canary, budget, account, fleet)
    if fields.budget == math.huge then
      connection:change("update openhands_fleets set budget = null where account_id = ? and fleet = ?", account, fleet)
    end
    if canary then -- items that have failed before may have become canaries
      waves.skip_after_canaries(connection, account, fleet)
    end
    return M.read(connection, "open_fleet", account, fleet)
  end)
end

--- Reads a fleet.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string }
---@return openhands.FleetRow?
---@return openhands.Error? err
function M.fleet(ledger, fields)
  local account, fleet = arguments.fleet("fleet", fields)
  return transaction.run(ledger, "fleet", function(connection)
    return M.read(connection, "fleet", account, fleet)
  end)
end

-- Returns the values of one column.
local function column(rows, name)
  local values = {}
  for place, row in ipairs(rows) do
    values[place] = row[name]
  end
  return values
end

--- Reads the accounts that have a fleet of a name.
---@param ledger openhands.Ledger
---@param fields { fleet: string }
---@return string[]?
---@return openhands.Error? err
function M.accounts(ledger, fields)
  local fleet = arguments.text("accounts", fields, "fleet")
  return transaction.run(ledger, "accounts", function(connection)
    local rows = connection:rows("select account_id from openhands_fleets where fleet = ? order by account_id", fleet)
    return column(rows, "account_id")
  end)
end

--- Reads the names of an account's fleets that have items, in the order of the alphabet.
---@param ledger openhands.Ledger
---@param fields { account_id: string }
---@return string[]?
---@return openhands.Error? err
function M.names(ledger, fields)
  arguments.check_names("names", fields, " account_id ")
  local account = arguments.text("names", fields, "account_id")
  return transaction.run(ledger, "names", function(connection)
    local rows = connection:rows("select fleet from openhands_fleets where account_id = ? and added > 0", account)
    local list = column(rows, "fleet")
    table.sort(list) -- not by the database: each has an order of its own
    return list
  end)
end

--- Counts the runs that have not ended, of one fleet or of all fleets of an account.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string? }
---@return { live: integer, queued: integer }?
---@return openhands.Error? err
function M.remaining(ledger, fields)
  arguments.check_names("remaining", fields, " account_id fleet ")
  local account = arguments.text("remaining", fields, "account_id")
  local fleet = arguments.text("remaining", fields, "fleet", false)
  return transaction.run(ledger, "remaining", function(connection)
    local row = connection:row([[select cast(coalesce(sum(live), 0) as text) as live,
      cast(coalesce(sum(queued), 0) as text) as queued from openhands_fleets
      where account_id = ? and fleet = coalesce(cast(? as text), fleet)]], account, fleet)
    return { live = tonumber(row.live), queued = tonumber(row.queued) }
  end)
end

-- Runs an update of one row of the account or the fleet that `fields` names.
local function update(ledger, operation, what, sql, ...)
  local values, count = { ... }, select("#", ...)
  return transaction.run(ledger, operation, function(connection)
    if connection:change(sql, unpack(values, 1, count)) == 0 then
      return nil, reading.unknown(operation, what)
    end
    return true
  end)
end

--- Lets no run of a fleet be claimed from the queue for a while; live runs go on.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, seconds: number } 0 seconds: ends a pause
---@return true?
---@return openhands.Error? err
function M.pause_fleet(ledger, fields)
  local account, fleet = arguments.fleet("pause_fleet", fields, "seconds ")
  return update(ledger, "pause_fleet", "such fleet", [[update openhands_fleets
    set paused_until = {now} + cast(? as double precision) where account_id = ? and fleet = ?]],
    arguments.number("pause_fleet", fields, "seconds", nil, 0), account, fleet)
end

--- Lets no run of an account be claimed from the queue for a while, e.g. until its quota is renewed.
---@param ledger openhands.Ledger
---@param fields { account_id: string, seconds: number } 0 seconds: ends a pause
---@return true?
---@return openhands.Error? err
function M.pause_account(ledger, fields)
  arguments.check_names("pause_account", fields, " account_id seconds ")
  return update(ledger, "pause_account", "such account", [[update openhands_accounts
    set paused_until = {now} + cast(? as double precision) where account_id = ?]],
    arguments.number("pause_account", fields, "seconds", nil, 0),
    arguments.text("pause_account", fields, "account_id"))
end

return M
