--- Takes runs out of the queue, because a person does not want them any more.

local arguments = require "openhands.fleet.ledger.arguments"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local M = {}

-- The fence grows: whoever had the run before must not return it to the queue.
local CANCEL = [[update openhands_runs set state = 'cancelled', fence = fence + 1, claim_token = null,
  error = 'cancelled before it was started', ended_at = {now} where run_id = ? and state = 'queued']]

--- Cancels queued runs, those of one transaction; what depends on them is skipped. Other runs stay as they are.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, keys: string[] }
---@return { runs: openhands.Run[], skipped: integer }? changed `runs`: as they are afterwards, by place of the key;
--- `skipped`: how many others were
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.cancel(ledger, fields)
  local account, fleet = arguments.fleet("cancel", fields, "keys ")
  return transaction.run(ledger, "cancel", function(connection)
    local runs, skipped = {}, 0
    for place, key in ipairs(fields.keys) do
      local run, err = reading.of_key(connection, "cancel", account, fleet, key)
      if not run then
        return nil, err
      end
      if connection:change(CANCEL, run.run_id) == 1 then
        waves.left_queue(connection, account, fleet, 1)
        skipped = skipped + waves.ended(connection, run, "cancelled")
      end
      runs[place] = run
    end
    return { runs = reading.again(connection, runs), skipped = skipped }
  end)
end

return M
