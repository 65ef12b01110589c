--- How many runs of an account may be live: as many as the user allows, and no more than the service is known to allow.
--- What the service allows is learned from its refusals and pauses, and holds for a time only: a person may have paused
--- the conversation, and limits are raised. Then one run more is tried. If it stays, one more after a while, until the
--- user's limit is reached; if not, the limit is known again, and holds twice as long.

local arguments = require "openhands.fleet.ledger.arguments"
local connections = require "openhands.fleet.ledger.connection"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local DEFAULT_HOLD = 3600 -- seconds
local LONGEST_HOLD = 24 * 3600 -- seconds
local TRIAL_TIME = 300 -- seconds after which a run that was tried counts as allowed: pauses come sooner

--- SQL of the columns of an account that `of` reads.
M.COLUMNS = "cast(slots as text) as slots, {whole:learned_slots}, {until:learned_until}"

--- Returns how many runs may be live, and whether the last of them would be a trial.
---@param account table a row with these columns
---@return integer limit
---@return boolean is_trial
function M.of(account)
  local slots, learned = tonumber(account.slots), tonumber(account.learned_slots)
  if not learned or learned >= slots then
    return slots --[[@as integer]], false
  elseif connections.decimal(account.learned_until) <= 0 then
    return (learned + 1) --[[@as integer]], true
  end
  return learned --[[@as integer]], false
end

--- Notes that a run was made live as a trial: no other one is, for a while.
---@param connection openhands.LedgerConnection
---@param account_id string
---@param limit integer with that run
function M.note_trial(connection, account_id, limit)
  connection:change([[update openhands_accounts set learned_slots = cast(? as bigint), is_tried = 1,
    learned_until = {now} + cast(? as double precision) where account_id = ?]], limit, TRIAL_TIME, account_id)
end

--- Sets how many runs of an account the service allows at once, as it said or showed when it refused or paused one.
---@param ledger openhands.Ledger
---@param fields { account_id: string, slots: integer?, seconds: number? } `slots`: nil: unknown; `seconds`: after which
--- one more is tried; more if the limit was found by such a trial (default 3600)
---@return true?
---@return openhands.Error? err
function M.set_learned_slots(ledger, fields)
  arguments.check_names("set_learned_slots", fields, " account_id slots seconds ")
  local account = arguments.text("set_learned_slots", fields, "account_id")
  local slots = arguments.whole("set_learned_slots", fields, "slots", false, 0)
  local hold = arguments.number("set_learned_slots", fields, "seconds", DEFAULT_HOLD, 0)
  return transaction.run(ledger, "set_learned_slots", function(connection)
    local row = connection:row([[select {whole:learned_slots}, {decimal:learned_hold}, {whole:is_tried}
      from openhands_accounts where account_id = ? {lock}]], account)
    if not row then
      return nil, reading.unknown("set_learned_slots", "such account")
    end
    local known, known_hold = tonumber(row.learned_slots), connections.decimal(row.learned_hold)
    if slots and known and slots < known and row.is_tried == "1" then
      hold = math.max(hold, math.min(2 * known_hold, LONGEST_HOLD))
    elseif slots and slots == known then -- another start that was refused at the same time
      hold = math.max(hold, known_hold --[[@as number]])
    end
    connection:change([[update openhands_accounts set learned_slots = cast(? as bigint), is_tried = 0,
      learned_hold = cast(? as double precision), learned_until = {now} + cast(? as double precision)
      where account_id = ?]], slots, hold, hold, account)
    return true
  end)
end

return M
