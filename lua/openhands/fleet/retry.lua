--- Tries ended items of a fleet once more, because a person wants it: each gets a new conversation when its turn comes.

local errors = require "openhands.errors"
local identifiers = require "openhands.fleet.identifier"
local retrying = require "openhands.fleet.ledger.retrying"
local spelling = require "openhands.spelling"

local M = {}

local BATCH = 200 -- items in one transaction
local PAGE = 500 -- runs that are read at once

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

local function list_of(name, value)
  local list = type(value) == "table" and value or { value }
  for _, each in ipairs(list) do
    if type(each) ~= "string" then
      errors.raise(("retry: '%s' must be a text or a list of texts"):format(name))
    end
  end
  return list
end

-- Returns the keys, or nil, and the states as a set.
local function checked(options)
  if options ~= nil and type(options) ~= "table" then
    errors.raise(("retry: options must be a table, not a %s"):format(type(options)))
  end
  options = options or {}
  for name in pairs(options) do
    if not known[name] then
      errors.raise(("retry: unknown option '%s'%s"):format(tostring(name), spelling.hint(name, known)))
    end
  end
  local states = {}
  for _, state in ipairs(list_of("states", options.states or { "failed", "skipped" })) do
    if not retrying.STATES[state] then
      errors.raise(("retry: 'states' cannot have '%s'%s"):format(state, spelling.hint(state, retrying.STATES)))
    end
    states[state] = true
  end
  return options.keys ~= nil and list_of("keys", options.keys) or nil, states
end

local function is_before(one, other)
  return one.position < other.position
end

-- Returns the runs of some keys.
local function find(ledger, named, keys)
  local runs, is_there = {}, {}
  for _, key in ipairs(keys) do
    local run, err = ledger:find { account_id = named.account_id, fleet = named.fleet, key = key }
    if err then
      return nil, errors.rename(err, "retry")
    elseif not is_there[key] then
      is_there[key], runs[#runs + 1] = true, run
    end
  end
  return runs
end

-- Returns all runs in some states.
local function in_states(ledger, named, states)
  local runs = {}
  for state in pairs(states) do
    local after = 0
    repeat
      local page, err = ledger:runs { account_id = named.account_id, fleet = named.fleet, state = state, after = after,
        limit = PAGE }
      if not page then
        return nil, err
      end
      for _, run in ipairs(page) do
        runs[#runs + 1], after = run, run.position
      end
    until #page == 0
  end
  return runs
end

--- Returns ended items of a fleet to its queue.
---@param ledger openhands.Ledger
---@param named { account_id: string, fleet: string }
---@param options openhands.RetryOptions?
---@return openhands.Retried?
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.run(ledger, named, options)
  local keys, states = checked(options)
  local runs, err
  if keys then
    runs, err = find(ledger, named, keys)
  else
    runs, err = in_states(ledger, named, states)
  end
  if not runs then
    return nil, err
  end
  table.sort(runs, is_before)
  local retried = { queued = {}, left = {} }
  for first = 1, #runs, BATCH do
    local batch = {}
    for place = first, math.min(first + BATCH - 1, #runs) do
      batch[#batch + 1] = runs[place].key
    end
    local now, problem = ledger:retry { account_id = named.account_id, fleet = named.fleet, keys = batch,
      states = states, next_id = identifiers.next }
    if not now then
      return nil, problem
    end
    for place, run in ipairs(now) do
      if run.state == "queued" and runs[first + place - 1].state ~= "queued" then
        table.insert(retried.queued, run.key)
      else
        table.insert(retried.left, { key = run.key, state = run.state })
      end
    end
  end
  return retried
end

return M
