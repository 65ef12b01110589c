--- Finds the runs of a fleet again whose ledger was lost: the ids of their conversations are derived from account,
--- fleet, key and attempt, so the service can be asked for them. Starts nothing.

local asleep = require "openhands.conversation.asleep"
local core = require "openhands.core"
local errors = require "openhands.errors"
local identifiers = require "openhands.fleet.identifier"
local limits = require "openhands.limits"
local results = require "openhands.conversation.result"

local M = {}

local GAP = 10 -- ids of an item, one after the other, that the service does not know: then it knows no later one

--- What was found.
---@class openhands.Rebuilt
---@field found string[] keys of the items that the service has; the next `run` takes them up
---@field missing string[] keys of the items that it does not show: the next `run` looks once more, then starts them

local function unsupported()
  return errors.new {
    kind = "unsupported", operation = "rebuild", effect = "none",
    message = "rebuild: on V0 the service chooses the ids of conversations, so that they cannot be derived; "
      .. "look in the list of conversations",
  }
end

-- Asks for some conversations. Adds those that the service has to `known`, by id.
local function ask(client, ids, known)
  local found, err = client:get(ids)
  if not found then
    return err
  end
  for id, conversation in pairs(found) do
    known[core.normalize_id(id)] = conversation
  end
end

-- What is known of an item: `last` is its latest attempt that the service has, and `asked` the latest that it was
-- asked for.
local function searches_of(runs)
  local searches = {}
  for place, run in ipairs(runs) do
    searches[place] = { run = run, last = 0, asked = 0 }
  end
  return searches
end

-- Asks the service once for the next ids of some items. Returns those of which there may be later ones.
local function ask_next(client, searches)
  local known, ids, asked, unfinished = {}, {}, {}, {}
  for place, search in ipairs(searches) do
    for attempt = search.asked + 1, search.last + GAP do
      local id = identifiers.of(search.run.account_id, search.run.fleet, search.run.key, attempt)
      ids[#ids + 1] = id
      asked[#asked + 1] = { search = search, attempt = attempt, id = core.normalize_id(id) }
    end
    search.asked = search.last + GAP
    if #ids + GAP > limits.IDS_PER_REQUEST or place == #searches then
      local err = ask(client, ids, known)
      if err then
        return nil, err
      end
      ids = {}
    end
  end
  for _, question in ipairs(asked) do
    local search, conversation = question.search, known[question.id]
    if conversation then
      if unfinished[#unfinished] ~= search then
        unfinished[#unfinished + 1] = search
      end
      search.last, search.conversation = question.attempt, conversation
    end
  end
  return unfinished
end

-- Asks the service for the ids of some runs. Returns what is known of them.
local function search_all(client, runs)
  local searches = searches_of(runs)
  local left = searches
  while left[1] do
    local err
    left, err = ask_next(client, left)
    if not left then
      return nil, errors.rename(err --[[@as openhands.Error]], "rebuild")
    end
  end
  return searches
end

-- Returns the mark of a run whose conversation has ended, if the sandbox is paused and the events tell that the work
-- had ended before: watch.lua leaves its sandbox paused then.
local function end_of(client, conversation)
  local result = conversation.state == "paused" and results.read(client, conversation, client:_begin "get")
  local state = result and asleep.reported_end(result)
  return state and "ended: " .. state or nil
end

-- Writes into the ledger that the service has a run. The ids of earlier attempts count as sent: none is used again.
-- Returns whether it has.
local function adopt(client, ledger, search)
  local run, conversation = search.run, search.conversation
  if not conversation then
    return false
  end
  local sandbox, ids = conversation.sandbox_id, {}
  for attempt = 1, search.last do
    ids[attempt] = identifiers.of(run.account_id, run.fleet, run.key, attempt)
  end
  local adopted, err = ledger:adopt(run, { conversation_id = table.remove(ids), earlier_ids = ids,
    attempts = search.last, sandbox_id = type(sandbox) == "string" and sandbox ~= "" and sandbox or nil,
    execution_status = end_of(client, conversation) })
  return adopted ~= nil, err
end

--- Finds the runs again that are in the queue as if nothing had ever been sent for them.
---@param client openhands.Client
---@param ledger openhands.Ledger
---@param runs openhands.Run[]
---@return openhands.Rebuilt?
---@return openhands.Error? err
function M.run(client, ledger, runs)
  local api, err = client:_dialect("get", nil, client:_begin "get")
  if not api then
    return nil, errors.rename(err --[[@as openhands.Error]], "rebuild")
  elseif api == "v0" then
    return nil, unsupported()
  end
  local fresh, rebuilt = {}, { found = {}, missing = {} }
  for _, run in ipairs(runs) do
    if run.state == "queued" and run.attempts == 0 then
      fresh[#fresh + 1] = run
    end
  end
  local searches
  searches, err = search_all(client, fresh)
  if not searches then
    return nil, err
  end
  for _, search in ipairs(searches) do
    local is_found, problem = adopt(client, ledger, search)
    if problem then
      return nil, problem
    end
    table.insert(is_found and rebuilt.found or rebuilt.missing, search.run.key)
  end
  return rebuilt
end

return M
