--- What the owner of a run changes: lease, progress, end, return to the queue. Each change names the fence with which
--- the run was claimed; after another worker has taken the run over, it fails with kind "fenced".

local arguments = require "openhands.fleet.ledger.arguments"
local errors = require "openhands.errors"
local reading = require "openhands.fleet.ledger.reading"
local states = require "openhands.fleet.ledger.states"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local M = {}

local function fenced(operation, run)
  return errors.new {
    kind = "fenced", operation = operation, effect = "none", run_id = run.run_id,
    message = ("%s: another worker has taken over item '%s'"):format(operation, run.key),
  }
end

--- Returns the error of a change that the state of a run does not allow.
---@param operation string
---@param run openhands.Run
---@param what string
---@return openhands.Error
function M.conflict(operation, run, what)
  return errors.new {
    kind = "conflict", operation = operation, effect = "none", run_id = run.run_id, state = run.state,
    message = ("%s: item '%s' %s"):format(operation, run.key, what),
  }
end

local conflict = M.conflict

local function check_run(operation, run)
  if type(run) ~= "table" or type(run.run_id) ~= "string" or type(run.fence) ~= "number" then
    errors.raise(operation .. ": a run from the ledger is required")
  end
end

--- Returns the run as it is now, locked until the end of the transaction, if the caller still owns it.
---@param connection openhands.LedgerConnection
---@param operation string
---@param run openhands.Run
---@return openhands.Run?
---@return openhands.Error? err
function M.owned(connection, operation, run)
  local now = reading.read(connection, run.run_id, true)
  if not now then
    return nil, reading.unknown(operation, "such run")
  elseif now.fence ~= run.fence then
    return nil, fenced(operation, now)
  end
  return now
end

local owned = M.owned

-- Checks that exactly one row was changed. The row is locked, so that only a bug can change none.
local function written(connection, operation, run, changed)
  if changed ~= 1 then
    return nil, fenced(operation, run)
  end
  return reading.read(connection, run.run_id)
end

-- Moves a run from one counter of its fleet to another.
local function count(connection, run, to)
  local live = (states.LIVE[to] and 1 or 0) - (states.LIVE[run.state] and 1 or 0)
  local queued = (to == "queued" and 1 or 0) - (run.state == "queued" and 1 or 0)
  if live ~= 0 or queued ~= 0 then
    connection:change([[update openhands_fleets set live = live + cast(? as bigint), queued = queued + cast(? as bigint)
      where account_id = ? and fleet = ?]], live, queued, run.account_id, run.fleet)
  end
end

-- Adds what a run has cost since it was last seen to the cost of its fleet. `cost`: of its latest conversation.
local function add_cost(connection, run, cost)
  local more = cost and run.cost_before + cost - (run.cost or 0) or 0
  if more ~= 0 then
    connection:change([[update openhands_fleets set cost = cost + cast(? as double precision)
      where account_id = ? and fleet = ?]], more, run.account_id, run.fleet)
  end
end

--- Extends the lease of a live run.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param seconds number from now
---@return true?
---@return openhands.Error? err
function M.renew(ledger, run, seconds)
  check_run("renew", run)
  arguments.number("renew", { seconds = seconds }, "seconds", nil, 0)
  return transaction.run(ledger, "renew", function(connection)
    if connection:change([[update openhands_runs set lease_until = {now} + cast(? as double precision)
        where run_id = ? and fence = ? and slot = 1]], seconds, run.run_id, run.fence) == 1 then
      return true
    end
    local now, err = owned(connection, "renew", run)
    if now then
      return nil, conflict("renew", now, "is not live, but " .. now.state)
    end
    return nil, err
  end)
end

local RECORD = [[update openhands_runs set state = ?, task_id = coalesce(cast(? as text), task_id),
  sandbox_id = coalesce(cast(? as text), sandbox_id),
  execution_status = coalesce(cast(? as text), execution_status),
  sandbox_status = coalesce(cast(? as text), sandbox_status),
  result = coalesce(cast(? as text), result), cost = coalesce(cost_before + cast(? as double precision), cost),
  lease_until = coalesce({now} + cast(? as double precision), openhands_runs.lease_until), polled_at = {now}
  where run_id = ? and fence = ?]]

-- Makes the id that the service has chosen the conversation_id of a run; keeps the one that was sent.
local function take_served_id(connection, now, id)
  connection:change([[insert into openhands_run_ids (conversation_id, run_id, intended_at) values (?, ?, {now})
    on conflict do nothing]], id, now.run_id)
  local known = connection:row("select run_id from openhands_run_ids where conversation_id = ?", id)
  if known.run_id ~= now.run_id then
    return conflict("record", now, "cannot have the conversation_id of another one")
  end
  connection:change("update openhands_runs set conversation_id = ? where run_id = ? and fence = ?", id, now.run_id,
    now.fence)
end

--- Records what was seen of a live run. What is not given stays as it was.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param fields { state: "running"|"paused"|nil, task_id: string?, sandbox_id: string?, execution_status: string?,
--- sandbox_status: string?, result: string?, cost: number?, lease: number?, conversation_id: string? } `result`: JSON;
--- `cost`: of its conversation; `lease`: seconds from now; `conversation_id`: if the service has chosen another one
--- than was sent
---@return openhands.Run?
---@return openhands.Error? err
function M.record(ledger, run, fields)
  check_run("record", run)
  arguments.check_names("record", fields,
    " state task_id sandbox_id execution_status sandbox_status result cost lease conversation_id ")
  for _, name in ipairs {
    "task_id", "sandbox_id", "execution_status", "sandbox_status", "result", "conversation_id",
  } do
    arguments.text("record", fields, name, false)
  end
  arguments.number("record", fields, "cost", false, 0)
  arguments.number("record", fields, "lease", false, 0)
  if fields.state ~= nil and not states.LIVE[fields.state] then
    errors.raise "record: 'state' must be \"starting\", \"running\" or \"paused\""
  end
  return transaction.run(ledger, "record", function(connection)
    local now, err = owned(connection, "record", run)
    if not now then
      return nil, err
    end
    local state = fields.state or now.state
    if not states.LIVE[now.state] or not states.may_follow(now.state, state) then
      return nil, conflict("record", now, ("is %s, and cannot become %s"):format(now.state, state))
    end
    if fields.conversation_id and fields.conversation_id ~= now.conversation_id then
      err = take_served_id(connection, now, fields.conversation_id)
      if err then
        return nil, err
      end
    end
    add_cost(connection, now, fields.cost)
    return written(connection, "record", now, connection:change(RECORD, state, fields.task_id, fields.sandbox_id,
      fields.execution_status, fields.sandbox_status, fields.result, fields.cost, fields.lease, run.run_id, run.fence))
  end)
end

local FINISH = [[update openhands_runs set state = ?, slot = 0, owner = null, claim_token = null, lease_until = 0,
  result = coalesce(cast(? as text), result), error = cast(? as text),
  cost = coalesce(cost_before + cast(? as double precision), cost), ended_at = {now} where run_id = ? and fence = ?]]

--- Ends a run, and frees its slot. Ending it again in the same way changes nothing.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param fields { state: "done"|"failed"|"cancelled"|"skipped"|"ambiguous", result: string?, error: string?,
--- cost: number? } `result`: JSON
---@return openhands.Run?
---@return openhands.Error? err
function M.finish(ledger, run, fields)
  check_run("finish", run)
  arguments.check_names("finish", fields, " state result error cost ")
  arguments.text("finish", fields, "result", false)
  arguments.text("finish", fields, "error", false)
  arguments.number("finish", fields, "cost", false, 0)
  if not states.ENDED[fields.state] then
    errors.raise "finish: 'state' must be one in which a run has ended"
  end
  return transaction.run(ledger, "finish", function(connection)
    local now, err = owned(connection, "finish", run)
    if not now or now.state == fields.state then
      return now, err
    elseif not states.may_follow(now.state, fields.state) then
      return nil, conflict("finish", now, ("is %s, and cannot become %s"):format(now.state, fields.state))
    end
    local changed = connection:change(FINISH, fields.state, fields.result, fields.error, fields.cost, run.run_id,
      run.fence)
    waves.ended(connection, now, fields.state)
    count(connection, now, fields.state)
    add_cost(connection, now, fields.cost)
    return written(connection, "finish", now, changed)
  end)
end

-- Makes a new conversation_id the next one of a run; keeps the old one with the reason why it was dropped.
local function change_id(connection, now, id, why)
  local taken = connection:row([[select run_id from openhands_runs where conversation_id = ?
    union select run_id from openhands_run_ids where conversation_id = ?]], id, id)
  if taken then
    return conflict("requeue", now, "cannot have a conversation_id that was used before")
  end
  connection:change("update openhands_run_ids set dropped_because = ? where conversation_id = ? and run_id = ?", why,
    now.conversation_id, now.run_id)
  connection:change([[update openhands_runs set conversation_id = ?, task_id = null, sandbox_id = null,
    execution_status = null, sandbox_status = null where run_id = ? and fence = ?]], id, now.run_id, now.fence)
end

local REQUEUE = [[update openhands_runs set state = 'queued', slot = 0, owner = null, claim_token = null,
  lease_until = 0, not_before = {now} + cast(? as double precision), error = cast(? as text), ended_at = null
  where run_id = ? and fence = ?]]

--- Returns a run to the queue, and frees its slot. Doing it again changes nothing.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param fields { delay: number?, conversation_id: string?, why: string? } `delay`: seconds before which it is not
--- claimed; `conversation_id`: for the next start, the same if not given
---@return openhands.Run?
---@return openhands.Error? err
function M.requeue(ledger, run, fields)
  check_run("requeue", run)
  arguments.check_names("requeue", fields, " delay conversation_id why ")
  local delay = arguments.number("requeue", fields, "delay", 0, 0)
  local id = arguments.text("requeue", fields, "conversation_id", false)
  local why = arguments.text("requeue", fields, "why", false)
  if id and not why then
    errors.raise "requeue: say 'why' the run gets another conversation_id"
  end
  return transaction.run(ledger, "requeue", function(connection)
    local now, err = owned(connection, "requeue", run)
    if not now then
      return nil, err
    elseif now.state == "queued" and (not id or id == now.conversation_id) then
      return now
    elseif not states.may_follow(now.state, "queued") then
      return nil, conflict("requeue", now, "is " .. now.state)
    end
    if id and id ~= now.conversation_id then
      err = change_id(connection, now, id, why)
      if err then
        return nil, err
      end
    end
    count(connection, now, "queued")
    return written(connection, "requeue", now, connection:change(REQUEUE, delay, why, run.run_id, run.fence))
  end)
end

return M
