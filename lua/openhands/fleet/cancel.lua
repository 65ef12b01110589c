--- Cancels items of a fleet that wait in its queue, because a person does not want them any more.

local choices = require "openhands.fleet.choice"
local states = require "openhands.fleet.ledger.states"

local M = {}

--- Which items are cancelled.
---@class openhands.CancelOptions
---@field keys? string|string[] of the items; all in the queue if not given

--- What became of them.
---@class openhands.CancelledItems
---@field cancelled string[] keys of the items that are not started any more
---@field left openhands.LeftItem[] items that were named and stay as they are: those that are live, and those that have
--- ended
---@field skipped integer how many others were skipped, because they depend on the cancelled, or wait for a canary

--- An item that was named and stays as it is.
---@class openhands.LeftItem
---@field key string
---@field state openhands.RunState
---@field why string for people
---@field conversation_id string? of a live one

local whys = {
  starting = "it is being started", running = "it was started, and is running",
  paused = "it was started, and is paused",
  done = "it is done", failed = "it has failed", ambiguous = "it may have been started, which nobody can tell",
  cancelled = "it was cancelled before", skipped = "it was skipped",
}

local known = { keys = true }

-- Reverses the order: what depends on an item comes after it, and is cancelled before it would be skipped.
local function reverse(runs)
  for place = 1, math.floor(#runs / 2) do
    runs[place], runs[#runs + 1 - place] = runs[#runs + 1 - place], runs[place]
  end
end

-- Returns what is told of an item that stays as it is.
local function left(run)
  return { key = run.key, state = run.state, why = whys[run.state] or "it is " .. run.state,
    conversation_id = states.LIVE[run.state] and run.conversation_id or nil }
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
  local result, good = { cancelled = {}, left = {}, skipped = 0 }, nil
  if runs then
    reverse(runs)
    good, err = choices.change(runs, function(batch)
      local changed, problem = ledger:cancel { account_id = named.account_id, fleet = named.fleet, keys = batch }
      result.skipped = result.skipped + (changed and changed.skipped or 0)
      return changed and changed.runs, problem
    end, function(before, after)
      if after.state == "cancelled" and before.state == "queued" then
        table.insert(result.cancelled, 1, after.key)
      else
        table.insert(result.left, 1, left(after))
      end
    end)
  end
  if not good then
    return nil, err
  end
  return result
end

return M
