--- Tries ended items of a fleet once more, because a person wants it: each gets a new conversation when its turn comes.

local choices = require "openhands.fleet.choice"
local errors = require "openhands.errors"
local identifiers = require "openhands.fleet.identifier"
local retrying = require "openhands.fleet.ledger.retrying"
local spelling = require "openhands.spelling"

local M = {}

--- Which items are tried once more.
---@class openhands.RetryOptions
---@field keys? string|string[] of the items; all if not given
---@field states? string|string[] of "failed", "skipped", "cancelled" and "ambiguous": an item in another state stays as
--- it is (default: "failed" and "skipped"). Of an ambiguous one there may be a conversation: look for it before

--- What became of them.
---@class openhands.Retried
---@field queued string[] keys of the items that the next `run` starts
---@field left { key: string, state: openhands.RunState }[] items that were named, or in these states, and stay as they
--- are: in another state, or skipped again because what they wait for has failed

local known = { keys = true, states = true }

-- Returns the keys, or nil, and the states as a set.
local function checked(options)
  options = choices.options("retry", options, known)
  local states = {}
  for _, state in ipairs(choices.list("retry", "states", options.states or { "failed", "skipped" })) do
    if not retrying.STATES[state] then
      errors.raise(("retry: 'states' cannot have '%s'%s"):format(state, spelling.hint(state, retrying.STATES)))
    end
    states[state] = true
  end
  return options.keys ~= nil and choices.list("retry", "keys", options.keys) or nil, states
end

--- Returns ended items of a fleet to its queue.
---@param ledger openhands.Ledger
---@param named { account_id: string, fleet: string }
---@param options openhands.RetryOptions?
---@return openhands.Retried?
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.run(ledger, named, options)
  local keys, states = checked(options)
  local runs, err = choices.runs(ledger, named, "retry", keys, states)
  local retried, good = { queued = {}, left = {} }, nil
  if runs then
    good, err = choices.change(runs, function(batch)
      return ledger:retry { account_id = named.account_id, fleet = named.fleet, keys = batch, states = states,
        next_id = identifiers.next }
    end, function(before, after)
      if after.state == "queued" and before.state ~= "queued" then
        table.insert(retried.queued, after.key)
      else
        table.insert(retried.left, { key = after.key, state = after.state })
      end
    end)
  end
  if not good then
    return nil, err
  end
  return retried
end

return M
