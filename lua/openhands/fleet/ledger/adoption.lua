--- Takes into a ledger what the service already has: a run that is in the queue as if nothing had been sent for it.

local arguments = require "openhands.fleet.ledger.arguments"
local errors = require "openhands.errors"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

-- Its lease is over: whoever claims next takes it over, and looks after it.
local ADOPT = [[update openhands_runs set state = 'running', slot = 1, fence = fence + 1, taken_over = 1,
  lease_until = 0, attempts = ?, intended_at = {now}, conversation_id = ?,
  sandbox_id = coalesce(cast(? as text), sandbox_id),
  execution_status = coalesce(cast(? as text), execution_status)
  where run_id = ? and state = 'queued' and attempts = 0]]

local NOTE_ID = [[insert into openhands_run_ids (conversation_id, run_id, intended_at) values (?, ?, {now})
  on conflict do nothing]]

local NOTE_EARLIER_ID = [[insert into openhands_run_ids (conversation_id, run_id, intended_at, dropped_because)
  values (?, ?, {now}, ?) on conflict do nothing]]

local COUNT = [[update openhands_fleets set live = live + 1, queued = queued - 1 where account_id = ? and fleet = ?]]

--- Notes that the service has the conversation of a run that was never claimed. The run is live then, even if there is
--- no slot for it: its conversation takes one.
---@param ledger openhands.Ledger
---@param run openhands.Run
---@param fields { conversation_id: string, attempts: integer, earlier_ids: string[]?, sandbox_id: string?,
--- execution_status: string? } `earlier_ids`: those with which earlier starts of the run may have been sent
---@return openhands.Run? run nil without an error: it was claimed meanwhile
---@return openhands.Error? err of kind "conflict" if another run has the conversation
function M.adopt(ledger, run, fields)
  arguments.check_names("adopt", fields, " conversation_id attempts earlier_ids sandbox_id execution_status ")
  local id, attempts = arguments.text("adopt", fields, "conversation_id"),
    arguments.whole("adopt", fields, "attempts", nil, 1)
  local sandbox = arguments.text("adopt", fields, "sandbox_id", false)
  local execution = arguments.text("adopt", fields, "execution_status", false)
  return transaction.run(ledger, "adopt", function(connection)
    for _, earlier in ipairs(fields.earlier_ids or {}) do
      connection:change(NOTE_EARLIER_ID, earlier, run.run_id, "it was not the latest when the ledger was rebuilt")
    end
    connection:change(NOTE_ID, id, run.run_id)
    local known = connection:row([[select run_id from openhands_run_ids where conversation_id = ?
      union select run_id from openhands_runs where conversation_id = ?
      order by run_id]], id, id)
    if known.run_id ~= run.run_id then
      return nil, errors.new { kind = "conflict", operation = "adopt", effect = "none", run_id = run.run_id,
        message = ("adopt: item '%s' cannot have the conversation of another one"):format(run.key) }
    elseif connection:change(ADOPT, attempts, id, sandbox, execution, run.run_id) == 0 then
      return nil
    end
    connection:change(COUNT, run.account_id, run.fleet)
    return reading.read(connection, run.run_id)
  end)
end

return M
