--- Runs a map that has a name: as a fleet, so that it survives the end of this process. The function only makes the
--- fields of starts; it is called again for each item when the same program is run again.

local errors = require "openhands.errors"
local json = require "openhands.fleet.json"
local secrets = require "openhands.fleet.secrets"

local M = {}

local KEY_KINDS = { string = true, number = true }

-- Returns the key of an item, and the fields of its start.
local function keyed(item, fields, index)
  local rest, key = {}, fields.key
  for name, value in pairs(fields) do
    rest[name] = value
  end
  if key == nil and KEY_KINDS[type(item)] then
    key = item
  elseif key == nil and type(item) == "table" then
    key = rawget(item, "key") or rawget(item, "repository")
  end
  if not KEY_KINDS[type(key)] then
    key = rest.repository or rest.selected_repository or index
  end
  rest.key = nil
  return type(key) == "number" and json.encode(key) or key, rest
end

local function escaped(text)
  return (text:gsub("{([A-Za-z_][A-Za-z0-9_]*)}", "{{%1}}"))
end

-- Returns the fields of an item that is filled from nothing: braces in texts that a program has made are no template.
local function literal(fields)
  return secrets.map(fields, escaped)
end

-- Returns the name of an item's n-th try in the ledger.
local function name_of(key, try)
  return try == 1 and key or ("%s (try %d)"):format(key, try)
end

local kinds = { failed = "conflict", ambiguous = "ambiguous", cancelled = "cancelled", skipped = "cancelled" }

-- Returns the value for a run: what the report says of it, or an error.
local function value_of(run, map, index)
  if run.state == "done" then
    return run
  elseif not kinds[run.state] then
    return errors.new { kind = "cancelled", operation = "map", effect = "none",
      message = ("map: item %d is %s, because %s"):format(index, run.state, map.stopped or "the run has ended early") }
  end
  return errors.new { kind = kinds[run.state], operation = "map", conversation_id = run.conversation_id, run = run,
    message = ("map: item %d, '%s', %s%s"):format(index, run.key, run.state, run.error and ": " .. run.error or "") }
end

-- Adds the items of one try. Returns the error if the ledger refuses one.
local function add(map, indices, try)
  local list = {}
  for place, index in ipairs(indices) do
    local fields = literal(map.fields[index])
    fields.key = escaped(name_of(map.keys[index], try))
    list[place] = fields
  end
  local runs, err = map.fleet:add(list)
  return not runs and err or nil
end

-- Returns the run that is the reason to begin nothing more: one that has failed, in this process or another one.
local function failed_run(map, is_current)
  for state in pairs(kinds) do
    local after, runs = 0 ---@diagnostic disable-line: unbalanced-assignments
    repeat
      runs = map.fleet.ledger:runs { account_id = map.fleet.account_id, fleet = map.fleet.name, state = state,
        after = after } or {}
      for _, run in ipairs(runs) do
        if is_current[run.key] then
          return run
        end
        after = run.position
      end
    until #runs == 0
  end
end

-- Returns a function that is asked before each claim, and returns an error when nothing more is to be begun.
local function gate(map, is_current)
  return function()
    local run = not map.stopped and failed_run(map, is_current)
    if run then
      map.stopped = ("'%s' has failed"):format(run.key)
    end
    return map.stopped and errors.new { kind = "cancelled", operation = "map", message = "map: " .. map.stopped } or nil
  end
end

-- Runs the fleet once, and returns what its report says, by key. Where it stops early, `map.stopped` says why.
local function run_once(map, is_current)
  local fleet = map.fleet
  fleet.settings.before_claim = is_current and gate(map, is_current) or nil
  local report, err = fleet:run()
  if not report and (map.stopped or err.kind == "quota") then
    map.stopped = map.stopped or err.message
    report, err = fleet:report()
  end
  if not report then
    return nil, err
  end
  local by_key = {}
  for _, run in ipairs(report.runs) do
    by_key[run.key] = run
  end
  return by_key
end

-- Runs all items, and those that have failed again. Returns the last run of each, by index.
local function run_all(map)
  local left, last, retries = {}, {}, map.options.retry or 0
  for index = 1, #map.keys do
    left[index] = index
  end
  for try = 1, retries + 1 do
    local err, by_key, is_current = add(map, left, try), nil, nil
    if map.options.stop_on_error and try > retries then -- a failure that will be tried again is none yet
      is_current = {}
      for _, index in ipairs(left) do
        is_current[name_of(map.keys[index], try)] = true
      end
    end
    if not err then
      by_key, err = run_once(map, is_current)
    end
    if not by_key then
      return nil, err
    end
    local failed = {}
    for _, index in ipairs(left) do
      last[index] = by_key[name_of(map.keys[index], try)]
      if last[index].state == "failed" then
        failed[#failed + 1] = index
      end
    end
    if #failed == 0 or map.stopped then
      break
    end
    left = failed
  end
  return last
end

local function fill_results(map, last)
  local results, order = map.results, {}
  for index = 1, #last do
    order[index] = index
  end
  if map.options.order == "finished" then
    table.sort(order, function(one, other)
      local first, second = last[one].ended_at or math.huge, last[other].ended_at or math.huge
      return first < second or first == second and one < other
    end)
    results.indices = order
  end
  local is_counted = {}
  for place, index in ipairs(order) do
    local run = last[index]
    results[place] = value_of(run, map, index)
    results.cost = results.cost + (is_counted[run] and 0 or run.cost or 0)
    is_counted[run] = true -- items with the same key have the same run
    local name = run.state == "done" and "done" or (run.state == "failed" or run.state == "ambiguous") and "failed"
      or "skipped"
    results[name] = results[name] + 1
  end
  return results
end

--- A map with a name, while it runs.
---@class openhands.NamedMap
---@field items any[]
---@field run function
---@field options openhands.MapOptions
---@field results openhands.MapResults
---@field fields table[]? of the start of each item
---@field keys string[]? of each item
---@field fleet openhands.Fleet?
---@field stopped string? why nothing more is begun

--- Runs a map as a fleet.
---@param client openhands.Client
---@param map openhands.NamedMap
---@param is_start fun(value: any): boolean
---@return openhands.MapResults?
---@return openhands.Error? err
function M.run(client, map, is_start)
  local options = map.options
  map.fields, map.keys = {}, {}
  for index, item in ipairs(map.items) do
    local fields = map.run(item, index)
    if not is_start(fields) then
      errors.raise(("map: with a 'name' the function must return the fields of a start, for item %d too"):format(index))
    end
    map.keys[index], map.fields[index] = keyed(item, fields, index)
  end
  local name = options.name --[[@as string]]
  local fleet, err = client:fleet { name = name, ledger = options.ledger, slots = options.slots,
    budget = options.budget }
  if not fleet then
    return nil, err
  end
  map.fleet = fleet
  local last
  last, err = run_all(map)
  fleet:close()
  if not last then
    return nil, err
  end
  return fill_results(map, last)
end

return M
