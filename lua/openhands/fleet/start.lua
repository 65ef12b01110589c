--- Starts the conversation of a run whose intent to start is in the ledger, and turns what came of it into a state of
--- the run. It is never in doubt here whether to send again: `Client:start` looks first where that may be needed, and
--- every owner of a run sends the same id. On V0, which has no such id, an unknown outcome ends the run as ambiguous.

local core = require "openhands.core"
local custody = require "openhands.fleet.custody"
local errors = require "openhands.errors"
local items = require "openhands.fleet.items"
local protocol = require "openhands.start"
local slots = require "openhands.fleet.slots"

local M = {}

local FIRST_PAUSE, LONGEST_PAUSE = 5, 300 -- seconds between two tries of a start that was not sent, or is ambiguous
local LIMIT_PAUSE = 5 -- seconds without a start after the service has said that the limit is reached
local MOST_REFUSALS = 3 -- of a start that was looked for each time, and not found
local THROTTLED_PAUSE = 30 -- seconds, if the service does not say how long

local function pause_after(worker, tries)
  local pause = math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ math.min(tries - 1, 10))
  return pause * (0.5 + worker.client._settings.random() / 2)
end

-- Returns the fields of a start, checked; or nil, why it cannot be sent, and the error if that is not the item's fault.
local function fields_of(worker, run, api)
  local fields, err, values = items.fields(run.request, worker.settings.secrets, run.key)
  worker:hide(values or {})
  if not fields then
    return nil, err.message, err.kind == "invalid" and err or nil
  end
  if api == "v1" then
    fields.conversation_id = run.conversation_id
  end
  local request, refusal ---@type any, openhands.Error?
  local good, mistake = pcall(function()
    request, refusal = worker.client:_prepare("start", fields, api)
  end)
  if not good then
    if errors.is_interrupt(mistake) then
      error(mistake, 0)
    end
    return nil, tostring(mistake)
  elseif refusal then
    return nil, refusal.message
  end
  request:close()
  return fields
end

-- ---- outcomes ------------------------------------------------------------------------------------------------------

local function requeue(worker, entry, err, delay)
  worker:requeue(entry, { delay = delay, why = err.message })
end

local function give_up(worker, entry, err)
  worker:finish(entry, { state = "failed", error = err.message })
end

-- What an error means by which the service, or this machine, certainly did not start the conversation.
local not_started = {
  limit = function(worker, entry, err)
    slots.learn(worker, err)
    worker.slots:hold(LIMIT_PAUSE)
    requeue(worker, entry, err, 0)
  end,
  throttled = function(worker, entry, err)
    local pause = (err.retry_after or THROTTLED_PAUSE) * (1 + worker.client._settings.random() / 4)
    worker.slots:hold(pause)
    requeue(worker, entry, err, pause)
  end,
  quota = function(worker, entry, err)
    local account, pause = worker.settings.account_id, worker.slots:quota_pause(err)
    worker:ask("pause_account", { account_id = account, seconds = pause })
    requeue(worker, entry, err, 0)
  end,
  authentication = function(worker, entry, err)
    if not entry.run.is_takeover then
      requeue(worker, entry, err, 0)
    end
    worker:fail(err)
  end,
}
not_started.tls = not_started.authentication

function not_started.permission(worker, entry, err)
  if err.status == 401 then -- of V0: this repository is out of the key's reach, others may not be
    return give_up(worker, entry, err)
  end
  return not_started.authentication(worker, entry, err)
end

-- The worker is about to end: the next one need not look whether something was started.
function not_started.cancelled(worker, entry, err)
  requeue(worker, entry, err, 0)
end
not_started.closed = not_started.cancelled

-- What is wrong with an item, and will be the next time.
for _, kind in ipairs { "invalid", "not_found", "unsupported", "conflict", "protocol", "too_large", "raised" } do
  not_started[kind] = give_up
end

-- Takes an error after which the run certainly has no conversation.
local function take_refusal(worker, entry, err)
  if err.contradicts_dialect == "path" and not next(worker.client._confirmed_dialects) then
    return not_started.authentication(worker, entry, err) -- the service's address is wrong, not the item
  end
  local known = not_started[err.kind]
  if known and not (err.retryable and known == give_up) then
    return known(worker, entry, err)
  end
  local pause = pause_after(worker, entry.run.attempts)
  worker.slots:hold(pause / 4)
  requeue(worker, entry, err, pause)
end

-- Ends a run that may have been started, and that nobody can look for.
local function end_as_ambiguous(worker, entry, reason)
  worker:finish(entry, { state = "ambiguous", error = reason })
end

local AMBIGUOUS_V0 = "its start may have been sent when its worker ended, and V0 has no id to look for it: "
  .. "look in the list of conversations before you start it again"

-- Ends a run of V0 whose start was answered with something else than this API has: whatever answers does so to all, and
-- each item would be ambiguous in turn.
local function take_wrong_service(worker, entry, err)
  end_as_ambiguous(worker, entry, err.message)
  worker:fail(errors.new {
    kind = "protocol", operation = "run", retryable = false,
    message = ("run: nothing more is started, because the start of item '%s' got an answer that is none of this API's; "
      .. "check 'base_url', and see what is there for this item, which is ambiguous: %s"):format(entry.run.key,
        err.message),
  })
end

-- Takes an error that leaves open whether the conversation was started. Returns whether to look again.
local function take_ambiguity(worker, entry, err, api, tries)
  if err.cause == "cancelled" or err.cause == "closed" or err.kind == "cancelled" or err.kind == "closed" then
    return false -- the worker is about to end; the run stays as it is, for the next one
  elseif api == "v0" and err.cause == "protocol" then
    take_wrong_service(worker, entry, err)
    return false
  elseif api == "v0" or err.cause == "unsupported" then
    end_as_ambiguous(worker, entry, err.message)
    return false
  elseif custody.ends_worker[err.cause] or custody.ends_worker[err.kind] then
    worker:fail(err)
    return false
  end
  local refusal = err.refusal
  if refusal and refusal.kind == "limit" then
    slots.learn(worker, refusal)
  end
  if refusal and tries >= MOST_REFUSALS and not_started[refusal.kind] == give_up and refusal.kind ~= "conflict"
      and not refusal.retryable then
    give_up(worker, entry, refusal) -- else the run would keep its slot, and the fleet never end
    return false
  end
  return worker:rest_in_task(entry, pause_after(worker, tries))
end

--- Starts the conversation of a run, or finds the one that was started before.
---@param worker openhands.Worker
---@param entry openhands.WorkerEntry
---@return openhands.Conversation? conversation nil: the run has left this worker
function M.start(worker, entry)
  local client, run = worker.client, entry.run
  local api, err = client:_dialect("start", nil, client:_begin "start")
  if not api then
    ---@cast err openhands.Error
    err.effect = "none"
    if run.is_takeover then -- stays starting: whether it was started shows when the service answers
      return worker:rest_in_task(entry, pause_after(worker, 1)) and M.start(worker, entry) or nil
    end
    return take_refusal(worker, entry, err)
  elseif api == "v0" and run.is_takeover then
    return end_as_ambiguous(worker, entry, AMBIGUOUS_V0)
  end
  local fields, problem, lack = fields_of(worker, run, api)
  if lack then -- another worker may have the secret
    return not_started.authentication(worker, entry, lack)
  elseif not fields then
    return worker:finish(entry, { state = run.is_takeover and "ambiguous" or "failed", error = problem })
  end
  local resume, tries = run.is_takeover or nil, 0
  while not entry.is_gone do
    local call = client:_begin "start"
    call.may_send = function() -- asked before each try: one that was stopped for long must not send what others have
      return worker:owns(entry)
    end
    local conversation
    conversation, err = protocol.start(client, fields, call, { resume = api == "v1" and resume or nil }, "start", {})
    if conversation then
      return conversation
    elseif err.kind ~= "ambiguous" and errors.had_no_effect(err --[[@as openhands.Error]]) and not resume then
      return take_refusal(worker, entry, err)
    elseif err.kind == "conflict" then -- the service had it, and has it no longer
      return give_up(worker, entry, err)
    end
    tries, resume = tries + 1, true
    if not take_ambiguity(worker, entry, err, api, tries) then
      return nil
    end
  end
end

--- Returns what to record of a conversation that was started.
---@param run openhands.Run
---@param conversation openhands.Conversation
---@return table fields
function M.facts(run, conversation)
  local id = conversation.conversation_id
  return {
    state = "running",
    task_id = conversation.start_task_id,
    sandbox_id = type(conversation.sandbox_id) == "string" and conversation.sandbox_id or nil,
    conversation_id = not core.is_same_id(id, run.conversation_id) and id or nil,
  }
end

return M
