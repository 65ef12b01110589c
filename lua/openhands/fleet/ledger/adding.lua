--- Adds the items of a fleet.

local arguments = require "openhands.fleet.ledger.arguments"
local core = require "openhands.core"
local errors = require "openhands.errors"
local reading = require "openhands.fleet.ledger.reading"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local M = {}

local CHECKED_AT_ONCE = 200 -- items in one transaction: others must not wait long

local INSERT = [[insert into openhands_runs (run_id, account_id, fleet, key, position, priority, state, conversation_id,
  request, request_hash, exclusive, created_at) values (?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, cast(? as text), {now})
  on conflict do nothing]]

local FIND = "select " .. reading.COLUMNS .. " from openhands_runs where account_id = ? and fleet = ? and key = ?"

local HASH = "select request_hash from openhands_runs where account_id = ? and fleet = ? and key = ?"

local ADDED = "select {whole:added} from openhands_fleets where account_id = ? and fleet = ?"

--- An item of a fleet.
---@class openhands.LedgerItem
---@field key string
---@field request string JSON
---@field request_hash string
---@field is_like? fun(item: openhands.LedgerItem, hash: string): boolean whether another hash is that of the same item
---@field conversation_id string for its first start
---@field priority integer? 0 if not given; higher ones are claimed first
---@field exclusive string? name of a group of which at most one is live
---@field depends_on string[]? keys of items of the fleet, which must be done before

local function conflict(key, what)
  return errors.new { kind = "conflict", operation = "add", effect = "none", key = key,
    message = ("add: the item '%s' %s"):format(key, what) }
end

-- Returns the error about an item that the fleet has with another request.
local function other_request(key)
  return conflict(key, "was added before with another request: give it another key, or use a fleet of another name")
end

-- Returns whether a hash is that of an item.
local function is_same(item, hash)
  return hash == item.request_hash or item.is_like ~= nil and item:is_like(hash)
end

-- Returns the run that an item already has, or the error if it is another one.
local function existing(connection, account, fleet, item)
  local row = connection:row(FIND, account, fleet, item.key)
  if not row then
    return nil, conflict(item.key, "has the conversation_id of another run")
  elseif not is_same(item, row.request_hash) then
    return nil, other_request(item.key)
  end
  return reading.to_run(row)
end

local function check_items(operation, items)
  for _, item in ipairs(items) do
    arguments.check_names(operation, item, " key request request_hash is_like conversation_id priority exclusive "
      .. "depends_on ")
    arguments.text(operation, item, "exclusive", false)
    for _, name in ipairs { "key", "request", "request_hash", "conversation_id" } do
      arguments.text(operation, item, name)
    end
    arguments.whole(operation, item, "priority", 0, -2 ^ 53)
  end
end

-- Adds one item. Returns its run, the one that it already has, or the error.
local function insert(connection, account, fleet, item, position)
  local run = { run_id = core.uuid(), account_id = account, fleet = fleet, key = item.key,
    conversation_id = item.conversation_id, state = "queued", position = position, fence = 0, is_new = true }
  if connection:change(INSERT, run.run_id, account, fleet, item.key, position, item.priority or 0,
      item.conversation_id, item.request, item.request_hash, item.exclusive) == 0 then
    return existing(connection, account, fleet, item)
  end
  local err = item.depends_on and waves.depend(connection, run, item.depends_on)
  return not err and run or nil, err
end

--- Adds items to a fleet, all or none. An item that the fleet already has stays as it is, whatever its state.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, items: openhands.LedgerItem[] }
---@return openhands.Run[]? runs by place of the item; of new ones only `run_id`, `account_id`, `fleet`, `key`,
--- `conversation_id`, `state` (as it was inserted), `position`, `fence` and `is_new`
---@return openhands.Error? err of kind "conflict", with the field `key`, if an item has another request than before
function M.add(ledger, fields)
  local account, fleet = arguments.fleet("add", fields, "items ")
  check_items("add", fields.items)
  return transaction.run(ledger, "add", function(connection)
    local counters = connection:row(ADDED .. " {lock}", account, fleet)
    if not counters then
      return nil, reading.unknown("add", "such fleet")
    end
    local runs, added = {}, tonumber(counters.added)
    local first = added
    for place, item in ipairs(fields.items) do
      local run, err = insert(connection, account, fleet, item, added + 1)
      if not run then
        return nil, err
      end
      added = added + (run.is_new and 1 or 0)
      runs[place] = run
    end
    if added > first then
      connection:change([[update openhands_fleets set queued = queued + cast(? as bigint), added = ?
        where account_id = ? and fleet = ?]], added - first, added, account, fleet)
      waves.added(connection, account, fleet, runs)
    end
    return runs
  end)
end

-- ---- more items than one transaction adds --------------------------------------------------------------------------

-- Returns the error about an item that needs another one, which neither the fleet nor an item before it has.
local function missing_need(items, place, key)
  for other = place + 1, #items do
    if items[other].key == key then
      return errors.new { kind = "invalid", operation = "add", effect = "none", key = items[place].key, place = place,
        other_place = other, message = ("add: item '%s' depends on '%s', which comes after it, as item %d: put that "
          .. "one first"):format(items[place].key, key, other) }
    end
  end
  local err = waves.missing(items[place].key, key)
  err.place = place
  return err
end

-- Returns the error about the item at a place, if it cannot be added after those before it.
local function problem_of(items, place, first_places, hash_of)
  local item = items[place]
  local first = first_places[item.key]
  if first then
    return not is_same(item, items[first].request_hash) and errors.new {
      kind = "conflict", operation = "add", effect = "none", key = item.key, place = place, other_place = first,
      message = ("add: item %d has the key '%s' of item %d, and other contents: give it another key"):format(place,
        item.key, first),
    } or nil
  end
  local hash = hash_of(item.key)
  if hash and not is_same(item, hash) then
    local err = other_request(item.key)
    err.place = place
    return err
  end
  for _, key in ipairs(not hash and item.depends_on or {}) do
    if not first_places[key] and (key == item.key or not hash_of(key)) then
      return missing_need(items, place, key)
    end
  end
  first_places[item.key] = place
end

--- Checks whether items can be added, in several transactions: so that the last one is not refused when others have
--- been added before.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string, items: openhands.LedgerItem[] }
---@return true?
---@return openhands.Error? err as that of `add`, with the field `place` of the item among these, and `other_place` of
--- the one that it has the key of, or depends on
function M.check(ledger, fields)
  local account, fleet = arguments.fleet("check", fields, "items ")
  local items, first_places = fields.items, {}
  check_items("check", items)
  for first = 1, #items, CHECKED_AT_ONCE do
    local good, err = transaction.run(ledger, "add", function(connection)
      local counters = connection:row(ADDED, account, fleet)
      local is_empty = not counters or counters.added == "0"
      local function hash_of(key)
        local row = not is_empty and connection:row(HASH, account, fleet, key)
        return row and row.request_hash or nil
      end
      for place = first, math.min(first + CHECKED_AT_ONCE - 1, #items) do
        local problem = problem_of(items, place, first_places, hash_of)
        if problem then
          return nil, problem
        end
      end
      return true
    end)
    if not good then
      return nil, err
    end
  end
  return true
end

return M
