--- Adds items to a fleet. Those of a list are all checked before the first is added, so that a list with a mistake adds
--- nothing that somebody would have to cancel.

local custody = require "openhands.fleet.custody"
local identifiers = require "openhands.fleet.identifier"
local items = require "openhands.fleet.items"

local M = {}

local MOST_ADDED = 200 -- items in one transaction

--- What `add` has added: the runs, of one item or a list; and how many there are. The runs of an iterator or a
--- collection, which may be long, are not kept: `report` has them.
---@class openhands.Added
---@field [integer] openhands.Run
---@field added integer items that are new
---@field known integer items that the fleet had before

--- The arguments of a call.
---@class openhands.AddedGiven
---@field defaults table? fields for each item
---@field given any
---@field source any

-- Returns what the ledger takes of an item that was read.
local function ledger_item(named, item)
  return { key = item.key, request = item.request, request_hash = item.request_hash, is_like = item.is_like,
    priority = item.priority, depends_on = item.depends_on, exclusive = item.exclusive,
    conversation_id = identifiers.of(named.account_id, named.fleet, item.key, 1) }
end

-- Returns so many of the next items, or all that are left; and an error if their source has failed or has a wrong one.
local function read(named, next_item, most)
  local list, item, err = {} ---@diagnostic disable-line: unbalanced-assignments
  repeat
    item, err = next_item()
    list[#list + 1] = item and ledger_item(named, item)
  until not item or #list == most
  return list, err
end

-- Adds some of a list of items, those of one transaction; returns the error if the ledger does not take them.
local function add_batch(ledger, named, list, first, runs, keeps_runs)
  local batch = {}
  for place = first, math.min(first + MOST_ADDED - 1, #list) do
    batch[#batch + 1] = list[place]
  end
  local added, err = ledger:add { account_id = named.account_id, fleet = named.fleet, items = batch }
  for _, run in ipairs(added or {}) do
    local count = run.is_new and "added" or "known"
    runs[count] = runs[count] + 1
    if keeps_runs then
      runs[#runs + 1] = custody.as_run(run)
    end
  end
  return err
end

-- Adds items, none if one of them is refused. Returns the error.
local function add_list(ledger, named, next_item, runs)
  local list, err = read(named, next_item, math.huge)
  if not err and #list > 1 then
    err = select(2, ledger:check { account_id = named.account_id, fleet = named.fleet, items = list })
  end
  for first = 1, err and 0 or #list, MOST_ADDED do
    err = err or add_batch(ledger, named, list, first, runs, true)
  end
  if err and err.key then
    err.place = err.place or #list == 1 and 1 or nil
  end
  return err
end

-- Adds items as they come, because they may be too many for the memory. Returns the error; what was added stays.
local function add_stream(ledger, named, next_item, runs)
  local list, err
  repeat
    list, err = read(named, next_item, MOST_ADDED)
    err = list[1] and add_batch(ledger, named, list, 1, runs, false) or err
  until err or #list < MOST_ADDED
  return err
end

--- Adds items to a fleet.
---@param client openhands.Client
---@param ledger openhands.Ledger
---@param named { account_id: string, fleet: string }
---@param call openhands.AddedGiven
---@return openhands.Added?
---@return openhands.Error? err
function M.run(client, ledger, named, call)
  local runs, source = { added = 0, known = 0 }, call.source
  if source == nil then
    source = call.given
  end
  local next_item = items.stream(client, "fleet.add", call.defaults, call.given, call.source)
  local err = (items.is_long(source) and add_stream or add_list)(ledger, named, next_item, runs)
  if err then
    return nil, err
  end
  return runs
end

return M
