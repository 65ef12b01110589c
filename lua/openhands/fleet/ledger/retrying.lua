--- Returns ended runs to the queue, because a person wants them to be tried once more: each with a new id, which is in
--- the ledger before anything is sent.

local arguments = require "openhands.fleet.ledger.arguments"
local errors = require "openhands.errors"
local reading = require "openhands.fleet.ledger.reading"
local states = require "openhands.fleet.ledger.states"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local M = {}

--- States that may be tried once more.
M.STATES = { failed = true, skipped = true, cancelled = true, ambiguous = true }

local IDS = "select conversation_id from openhands_run_ids where run_id = ?"

local DROP = [[update openhands_run_ids set dropped_because = coalesce(dropped_because, cast(? as text))
  where run_id = ?]]

-- The fence grows: whoever had the run must not end it any more. What it has cost stays a part of its cost.
local RETRY = [[update openhands_runs set state = 'queued', fence = fence + 1, conversation_id = ?, slot = 0,
  owner = null, claim_token = null, taken_over = 0, lease_until = 0, not_before = 0, task_id = null, sandbox_id = null,
  execution_status = null, sandbox_status = null, result = null, error = null, ended_at = null,
  cost_before = coalesce(cost, 0) where run_id = ?]]

local COUNT = [[update openhands_fleets set queued = queued + cast(? as bigint) where account_id = ? and fleet = ?]]

-- Returns one run to the queue.
local function retry(connection, run, next_id)
  local ids = connection:rows(IDS, run.run_id)
  local id = run.conversation_id
  if ids[1] then -- else it was never sent
    id = next_id(run, ids)
    connection:change(DROP, ("it was %s, and is tried once more"):format(run.state), run.run_id)
  end
  connection:change(RETRY, id, run.run_id)
end

--- Returns some ended runs to the queue, those of one transaction. What waits for an item that has failed, and is not
--- among them, is skipped again.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, keys: string[], states: table<openhands.RunState, true>,
--- next_id: fun(run: openhands.Run, sent: { conversation_id: string }[]): string } `keys`: in the order in which the
--- items were added; `states`: a run in another state stays as it is; `next_id`: returns an id that was never sent
---@return openhands.Run[]? runs as they are afterwards, by place of the key
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.retry(ledger, fields)
  local account, fleet = arguments.fleet("retry", fields, "keys states next_id ")
  for state in pairs(fields.states) do
    if not M.STATES[state] then
      errors.raise(("retry: a run that is %s cannot be tried once more"):format(tostring(state)))
    end
  end
  return transaction.run(ledger, "retry", function(connection)
    local runs, retried = {}, {}
    for place, key in ipairs(fields.keys) do
      local run, err = reading.of_key(connection, "retry", account, fleet, key)
      if not run then
        return nil, err
      end
      if states.ENDED[run.state] and fields.states[run.state] then
        retry(connection, run, fields.next_id)
        retried[#retried + 1] = run
      end
      runs[place] = run
    end
    connection:change(COUNT, #retried, account, fleet)
    waves.returned(connection, account, fleet, retried)
    return reading.again(connection, runs)
  end)
end

return M
