--- Finds the runs of a fleet again whose ledger was lost: the ids of their conversations are derived from account,
--- fleet, key and attempt, so the service can be asked for them. Starts nothing.

local core = require "openhands.core"
local errors = require "openhands.errors"
local identifiers = require "openhands.fleet.identifier"
local limits = require "openhands.limits"
local results = require "openhands.conversation.result"

local M = {}

local MOST_ATTEMPTS = 5 -- ids of an item that are asked for

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

-- Asks the service for all ids of some runs. Returns its conversations by id.
local function conversations_of(client, runs)
  local known, ids = {}, {}
  for place, run in ipairs(runs) do
    for attempt = 1, MOST_ATTEMPTS do
      ids[#ids + 1] = identifiers.of(run.account_id, run.fleet, run.key, attempt)
    end
    if #ids + MOST_ATTEMPTS > limits.IDS_PER_REQUEST or place == #runs then
      local err = ask(client, ids, known)
      if err then
        return nil, errors.rename(err, "rebuild")
      end
      ids = {}
    end
  end
  return known
end

-- The mark of a run whose conversation has ended, by the agent's last report: watch.lua leaves its sandbox paused then.
local ends = { finished = "ended: finished", error = "ended: failed", stuck = "ended: failed" }

-- Returns that mark, if the sandbox is paused and the events tell that the work had ended before.
local function end_of(client, conversation)
  local result = conversation.state == "paused" and results.read(client, conversation, client:_begin "get")
  return result and ends[result.execution] or nil
end

-- Writes into the ledger that the service has a run. Returns whether it has.
local function adopt(client, ledger, run, known)
  for attempt = MOST_ATTEMPTS, 1, -1 do
    local id = identifiers.of(run.account_id, run.fleet, run.key, attempt)
    local conversation = known[core.normalize_id(id)]
    if conversation then
      local sandbox = conversation.sandbox_id
      local adopted, err = ledger:adopt(run, { conversation_id = id, attempts = attempt,
        sandbox_id = type(sandbox) == "string" and sandbox ~= "" and sandbox or nil,
        execution_status = end_of(client, conversation) })
      return adopted ~= nil, err
    end
  end
  return false
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
  local known
  known, err = conversations_of(client, fresh)
  if not known then
    return nil, err
  end
  for _, run in ipairs(fresh) do
    local is_found, problem = adopt(client, ledger, run, known)
    if problem then
      return nil, problem
    end
    table.insert(is_found and rebuilt.found or rebuilt.missing, run.key)
  end
  return rebuilt
end

return M
