--- Cancels items of a fleet that wait in its queue, because a person does not want them any more.

local choices = require "openhands.fleet.choice"

local M = {}

--- Which items are cancelled.
---@class openhands.CancelOptions
---@field keys? string|string[] of the items; all in the queue if not given

--- What became of them.
---@class openhands.CancelledItems
---@field cancelled string[] keys of the items that are not started any more
---@field left { key: string, state: openhands.RunState }[] items that were named and stay as they are: those that are
--- live, and those that have ended

local known = { keys = true }

-- Reverses the order: what depends on an item comes after it, and is cancelled before it would be skipped.
local function reverse(runs)
  for place = 1, math.floor(#runs / 2) do
    runs[place], runs[#runs + 1 - place] = runs[#runs + 1 - place], runs[place]
  end
end

--- Cancels queued items of a fleet. What depends on them is skipped. Starts that were sent are left alone.
---@param ledger openhands.Ledger
---@param named { account_id: string, fleet: string }
---@param options openhands.CancelOptions?
---@return openhands.CancelledItems?
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.run(ledger, named, options)
  options = choices.options("cancel", options, known)
  local keys = options.keys ~= nil and choices.list("cancel", "keys", options.keys) or nil
  local runs, err = choices.runs(ledger, named, "cancel", keys, { queued = true })
  local result, good = { cancelled = {}, left = {} }, nil
  if runs then
    reverse(runs)
    good, err = choices.change(runs, function(batch)
      return ledger:cancel { account_id = named.account_id, fleet = named.fleet, keys = batch }
    end, function(before, after)
      if after.state == "cancelled" and before.state == "queued" then
        table.insert(result.cancelled, 1, after.key)
      else
        table.insert(result.left, 1, { key = after.key, state = after.state })
      end
    end)
  end
  return good and result or nil, err
end

return M
