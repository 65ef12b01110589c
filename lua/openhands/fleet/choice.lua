--- Selects items of a fleet by their keys or states, for `retry` and `cancel`, and changes them in batches, each in one
--- transaction.

local core = require "openhands.core"
local errors = require "openhands.errors"
local spelling = require "openhands.spelling"

local M = {}

local BATCH = 200 -- items in one transaction
local MOST_NAMED = 10 -- keys, in a message
local LONGEST_NAME = 60 -- bytes, of one of them
local PAGE = 500 -- runs that are read at once

--- Returns the options of a call. Raises if one is unknown.
---@param call string
---@param options table?
---@param known table<string, true>
---@return table
function M.options(call, options, known)
  if options ~= nil and type(options) ~= "table" then
    errors.raise(("%s: options must be a table, not a %s"):format(call, type(options)))
  end
  for name in pairs(options or {}) do
    if not known[name] then
      errors.raise(("%s: unknown option '%s'%s"):format(call, tostring(name), spelling.hint(name, known)))
    end
  end
  return options or {}
end

--- Returns an option that is a text, or a list of texts, as a list.
---@param call string
---@param name string
---@param value any
---@return string[]
function M.list(call, name, value)
  local list = type(value) == "table" and value or { value }
  for _, each in ipairs(list) do
    if type(each) ~= "string" then
      errors.raise(("%s: '%s' must be a text or a list of texts"):format(call, name))
    end
  end
  return list
end

-- Returns the error about keys that a fleet does not have.
local function unknown(call, fleet, keys)
  local shown = {}
  for place = 1, math.min(#keys, MOST_NAMED) do
    shown[place] = ("'%s'"):format(core.redact_line(keys[place], LONGEST_NAME))
  end
  local left = #keys - #shown
  return errors.new { kind = "not_found", operation = call, effect = "none", key = keys[1],
    message = ("%s: the ledger has no item%s %s%s in fleet '%s'; nothing was changed"):format(call,
      #keys == 1 and "" or "s", table.concat(shown, ", "), left > 0 and (" and %d more"):format(left) or "", fleet) }
end

-- Returns the runs of some keys.
local function of_keys(ledger, named, call, keys)
  local runs, is_there, missing = {}, {}, {}
  for _, key in ipairs(keys) do
    local run, err
    if not is_there[key] then
      run, err = ledger:find { account_id = named.account_id, fleet = named.fleet, key = key }
    end
    if err and err.kind ~= "not_found" then
      return nil, errors.rename(err, call)
    elseif err then
      missing[#missing + 1] = key
    end
    is_there[key], runs[#runs + 1] = true, run
  end
  if missing[1] then
    return nil, unknown(call, named.fleet, missing)
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

local function is_before(one, other)
  return one.position < other.position
end

--- Returns the runs of some keys, or without keys all runs in some states, in the order in which they were added.
---@param ledger openhands.Ledger
---@param named { account_id: string, fleet: string }
---@param call string
---@param keys string[]?
---@param states table<openhands.RunState, true>
---@return openhands.Run[]?
---@return openhands.Error? err of kind "not_found": the fleet has no such item
function M.runs(ledger, named, call, keys, states)
  local runs, err
  if keys then
    runs, err = of_keys(ledger, named, call, keys)
  else
    runs, err = in_states(ledger, named, states)
  end
  if runs then
    table.sort(runs, is_before)
  end
  return runs, err
end

--- Changes runs in their order. What earlier batches have changed stays if a later one fails.
---@param runs openhands.Run[]
---@param change fun(keys: string[]): openhands.Run[]?, openhands.Error? one transaction; returns the runs as they are
--- afterwards
---@param take fun(before: openhands.Run, after: openhands.Run) called with each
---@return true?
---@return openhands.Error? err
function M.change(runs, change, take)
  for first = 1, #runs, BATCH do
    local keys = {}
    for place = first, math.min(first + BATCH - 1, #runs) do
      keys[#keys + 1] = runs[place].key
    end
    local changed, err = change(keys)
    if not changed then
      return nil, err
    end
    for place, run in ipairs(changed) do
      take(runs[first + place - 1], run)
    end
  end
  return true
end

return M
