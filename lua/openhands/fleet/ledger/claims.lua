--- Gives runs to workers: first those whose worker has let its lease expire, then those of the queue, fairly between
--- the fleets. Commits the intent to start before anything is sent.

local arguments = require "openhands.fleet.ledger.arguments"
local connections = require "openhands.fleet.ledger.connection"
local errors = require "openhands.errors"
local limits = require "openhands.fleet.ledger.limits"
local reading = require "openhands.fleet.ledger.reading"
local schema = require "openhands.fleet.ledger.schema"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

--- The share of a budget that is spent when nothing more is started: costs come late.
M.SHARE_TO_STOP = "0.8"

local MOST_TRIES = 10 -- each fails only if a run was ended by another process between two statements

--- Why no run was claimed.
---@class openhands.NoClaim
---@field reason "empty"|"slots"|"paused"|"later"|"waits"|"budget" nothing is queued; no slot is free; the account or
--- each fleet pauses; each queued run has a time before which it must not start; each waits for another run; the budget
--- is spent, or nearly so
---@field fleet string? whose budget it is, or whose slots; slots without it are those of the account
---@field live integer? runs that have a slot, where none is free
---@field slots integer? the most that may have one
---@field ready_in number? seconds after which that may have changed by itself

local ACCOUNT = "select " .. limits.COLUMNS .. [[, {until:paused_until},
  (select cast(version as text) from openhands_ledger) as version
  from openhands_accounts where account_id = ? {lock}]]

local LIVE = [[select cast(count(*) as text) as live,
  cast(count(case when openhands_runs.lease_until > {now} then 1 end) as text) as attended
  from openhands_runs where account_id = ? and slot = 1]]

local REPEATED = [[select run_id, {whole:fence}, cast(taken_over as text) as taken_over from openhands_runs
  where account_id = ? and slot = 1 and claim_token = ?]]

local OVERDUE = [[select run_id, {whole:fence} from openhands_runs
  where account_id = ? and slot = 1 and openhands_runs.lease_until <= {now} and fleet = coalesce(cast(? as text), fleet)
  order by openhands_runs.lease_until limit 1]]

local TAKE_OVER = [[update openhands_runs set fence = fence + 1, owner = ?, claim_token = ?, taken_over = 1,
  lease_until = {now} + cast(? as double precision) where run_id = ? and fence = ? and slot = 1]]

local REPEAT = [[update openhands_runs set lease_until = {now} + cast(? as double precision)
  where run_id = ? and fence = ? and slot = 1]]

local FLEETS = [[select fleet, {until:paused_until}, cast(slots as text) as slots, {whole:live}, {whole:canary},
  {whole:added}, case when cost >= ]] .. M.SHARE_TO_STOP .. [[ * budget then 'spent' end as budget_state
  from openhands_fleets
  where account_id = ? and queued > 0 and fleet = coalesce(cast(? as text), fleet)
  order by openhands_fleets.live / openhands_fleets.weight, served, fleet]]

-- Its conditions on `state` and `unmet` are those of an index.
local QUEUED = [[from openhands_runs
  where account_id = ? and fleet = ? and state = 'queued' and openhands_runs.unmet = 0 ]]

local IS_ALONE = [[ and (exclusive is null or not exists (select 1 from openhands_runs others
  where others.account_id = openhands_runs.account_id and others.slot = 1
  and others.exclusive = openhands_runs.exclusive)) ]]

local FIRST = "select run_id, {whole:fence}, fleet, key, conversation_id " .. QUEUED
  .. " and openhands_runs.not_before <= {now} " .. IS_ALONE

local FIRST_QUEUED = FIRST .. "order by openhands_runs.priority desc, openhands_runs.position limit 1"

local FIRST_CANARY = FIRST .. "and openhands_runs.position <= ? order by openhands_runs.position limit 1"

local DONE_CANARIES = [[select cast(count(*) as text) as number from openhands_runs
  where account_id = ? and fleet = ? and openhands_runs.position <= ? and state = 'done']]

local NEXT_READY = "select {until:not_before} " .. QUEUED
  .. " and openhands_runs.not_before > {now} order by openhands_runs.not_before limit 1"

local CLAIM = [[update openhands_runs set state = 'starting', slot = 1, fence = fence + 1, owner = ?, claim_token = ?,
  taken_over = 0,
  lease_until = {now} + cast(? as double precision), attempts = attempts + 1, intended_at = {now}
  where run_id = ? and fence = ? and state = 'queued']]

local INTEND = [[insert into openhands_run_ids (conversation_id, run_id, intended_at) values (?, ?, {now})
  on conflict do nothing]]

local COUNT = [[update openhands_fleets set live = live + 1, queued = queued - 1,
  served = (select max(others.served) + 1 from openhands_fleets others
    where others.account_id = openhands_fleets.account_id)
  where account_id = ? and fleet = ?]]

-- Takes a live run whose lease has expired, or one that was claimed with the same token.
local function take_overdue(connection, claim)
  local changed ---@type integer
  ---@type table?
  local row = connection:row(REPEATED, claim.account_id, claim.token)
  local is_repeated = row ~= nil
  if row then
    changed = connection:change(REPEAT, claim.lease, row.run_id, tonumber(row.fence))
  else
    row = connection:row(OVERDUE, claim.account_id, claim.fleet)
    if not row then
      return nil, false
    end
    changed = connection:change(TAKE_OVER, claim.owner, claim.token, claim.lease, row.run_id, tonumber(row.fence))
  end
  if changed == 0 then -- its worker has just ended it
    return nil, true
  end
  local run = reading.read(connection, row.run_id) --[[@as openhands.Run]]
  run.is_takeover, run.is_repeated = not is_repeated or row.taken_over == "1", is_repeated
  return run
end

-- Claims a run that was read from the queue.
local function take_queued(connection, claim, run)
  if connection:change(CLAIM, claim.owner, claim.token, claim.lease, run.run_id, run.fence) == 0 then
    return nil, true -- a person has just cancelled it
  end
  if connection:change(INTEND, run.conversation_id, run.run_id) == 0 then
    local known = connection:row("select run_id from openhands_run_ids where conversation_id = ?", run.conversation_id)
    if known and known.run_id ~= run.run_id then
      return nil, errors.new { kind = "conflict", operation = "claim", effect = "none", run_id = run.run_id,
        message = ("claim: the conversation_id of item '%s' was sent for another one"):format(run.key) }
    end
  end
  connection:change(COUNT, claim.account_id, run.fleet)
  return reading.read(connection, run.run_id)
end

-- Returns the first run of a fleet that may start. While its canaries are not done, only they may.
local function first_queued(connection, claim, row)
  local canary = tonumber(row.canary)
  if canary > 0 then
    local done = tonumber(connection:row(DONE_CANARIES, claim.account_id, row.fleet, canary).number) --[[@as number]]
    if done < math.min(canary --[[@as number]], tonumber(row.added) --[[@as number]]) then
      return connection:row(FIRST_CANARY, claim.account_id, row.fleet, canary)
    end
  end
  return connection:row(FIRST_QUEUED, claim.account_id, row.fleet)
end

-- Claims the first run of a fleet, or returns why it has none now.
local function try_fleet(connection, claim, row)
  local pause = connections.decimal(row.paused_until)
  if pause > 0 then
    return nil, { reason = "paused", ready_in = pause }
  elseif row.slots and tonumber(row.live) >= tonumber(row.slots) then
    return nil, { reason = "slots", fleet = row.fleet, live = tonumber(row.live), slots = tonumber(row.slots) }
  elseif row.budget_state then
    return nil, { reason = "budget", fleet = row.fleet }
  end
  local queued = first_queued(connection, claim, row)
  if queued then
    queued.fence = tonumber(queued.fence)
    return take_queued(connection, claim, queued)
  end
  local next_ready = connection:row(NEXT_READY, claim.account_id, row.fleet)
  if next_ready then
    local ready_in = connections.decimal(next_ready.not_before) --[[@as number]]
    return nil, { reason = "later", ready_in = math.max(0, ready_in) }
  end
  return nil, { reason = "waits" }
end

-- Joins the reasons of two fleets: the one that passes first. A spent budget does not pass by itself.
local function sooner(one, other)
  if not one or not other then
    return one or other
  elseif one.reason == "budget" or other.reason == "budget" then
    return one.reason == "budget" and other or one
  end
  return (other.ready_in or math.huge) < (one.ready_in or math.huge) and other or one
end

-- Claims a run of the queue, or returns false and why there is none, or nil and true: try again.
local function take_from_queue(connection, claim)
  local waits
  for _, row in ipairs(connection:rows(FLEETS, claim.account_id, claim.fleet)) do
    local run, reason = try_fleet(connection, claim, row)
    if run or reason == true or errors.is(reason) then
      return run, reason
    end
    waits = sooner(waits, reason)
  end
  return false, waits or { reason = "empty" }
end

-- Claims within a transaction. Locks the account first: only that makes the number of live runs certain.
local function claim_once(connection, claim)
  local account = connection:row(ACCOUNT, claim.account_id)
  if not account then
    return nil, reading.unknown("claim", "such account")
  elseif tonumber(account.version) ~= schema.VERSION then
    return nil, schema.other_version("claim", tonumber(account.version) --[[@as integer]])
  end
  local run, again = take_overdue(connection, claim)
  if run or again then
    return run, again
  end
  local pause = connections.decimal(account.paused_until)
  if pause > 0 then
    return false, { reason = "paused", ready_in = pause }
  end
  local limit, is_trial = limits.of(account)
  local counts = connection:row(LIVE, claim.account_id)
  local live = tonumber(counts.live)
  local used = live + claim.others + claim.reserve
  -- While no limit of the service is known, others alone do not keep all slots: one run at a time shows what it allows.
  -- Those that another fleet has left keep their slots, but are not the one: nobody may ever look after them again.
  local may_try_one = counts.attended == "0" and not tonumber(account.learned_slots) and live + claim.reserve < limit
  if used >= limit and not may_try_one then
    return false, { reason = "slots", live = live, slots = limit }
  end
  local why
  run, why = take_from_queue(connection, claim)
  if run and is_trial and used + 1 == limit then
    limits.note_trial(connection, claim.account_id, limit --[[@as integer]])
  end
  return run, why
end

--- Claims a run: nobody else may change it until its lease has expired. Between fleets, the one with the fewest live
--- runs for its weight comes first, then the one that was served least recently; within one, higher priority, then the
--- order in which items were added.
---@param ledger openhands.Ledger
---@param fields { account_id: string, owner: string, token: string, lease: number, fleet: string?, others: integer?,
--- reserve: integer? } `token`: chosen anew for each claim; a claim that is made again with the same token, because its
--- outcome was unknown, returns the same run. `others`: slots of the account that are in use for something else.
--- `reserve`: slots to keep free
---@return openhands.Run|false|nil run false: there is none now
---@return openhands.Error|openhands.NoClaim|nil why
function M.claim(ledger, fields)
  arguments.check_names("claim", fields, " account_id owner token lease fleet others reserve ")
  local claim = {
    account_id = arguments.text("claim", fields, "account_id"),
    owner = arguments.text("claim", fields, "owner"),
    token = arguments.text("claim", fields, "token"),
    lease = arguments.number("claim", fields, "lease", nil, 0),
    fleet = arguments.text("claim", fields, "fleet", false),
    others = arguments.whole("claim", fields, "others", 0, 0),
    reserve = arguments.whole("claim", fields, "reserve", 0, 0),
  }
  return transaction.run(ledger, "claim", function(connection)
    for _ = 1, MOST_TRIES do
      local run, why = claim_once(connection, claim)
      if why ~= true then
        return run, why
      end
    end
    return false, { reason = "later", ready_in = 0 }
  end)
end

return M
