--- Takes conversations whose sandboxes were paused by others, or because the budget was spent: learns from it, and
--- resumes them when they may be up again. The agent then needs a message to go on, which is sent once for each pause,
--- by the worker that has the run.

local budgets = require "openhands.fleet.budget"
local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local results = require "openhands.conversation.result"
local slots = require "openhands.fleet.slots"

local M = {}

local LEAVE_PAUSE = 30 -- seconds between two looks at a conversation that is left paused
local LATE_EVENTS = 40 -- seconds after which the service shows a message that was sent, or the end of the work
local RESUME_PAUSE = 10 -- seconds between two tries to resume one
local MOST_RESUMES = 20 -- of one run
local CONTINUE = "Your sandbox was paused and is up again. Continue with your task."
local EVICTION_TIME = 120 -- seconds after a start in which a pause counts as caused by it

--- Marks in the ledger of a run whose sandbox is being resumed, and of one whose agent is about to get that message.
local RESUMED = "resumed"
M.CONTINUING = "continuing"

-- Learns the limit of a service that pauses conversations beyond it: so many are up after it has paused one.
local function learn(worker)
  if worker.client:_now() - (worker.started_at or -math.huge) > EVICTION_TIME then
    return
  end
  local up = 0
  for _, run in ipairs(worker:ask("live", { account_id = worker.settings.account_id }) or {}) do
    up = up + (run.state ~= "paused" and 1 or 0)
  end
  if up >= 1 then
    slots.learn_guess(worker, up)
  end
end

-- Execution states in which the agent needs no message: it works, or its turn has ended well.
local needs_none = { RUNNING = true, FINISHED = true, WAITING_FOR_CONFIRMATION = true }

-- Returns whether the message that may have been sent has arrived: the agent goes on, or the message is the last one
-- that it got.
local function is_sent(worker, conversation)
  if needs_none[core.upper(tostring(conversation.execution_status))] then
    return true
  end
  local result = results.read(worker.client, conversation, worker.client:_begin "get")
  return result and result.question_text == CONTINUE and not result.agent_acted
end

-- Lets the agent of a conversation go on. That the message is about to be sent is in the ledger before: who takes the
-- run over looks whether it was.
local function continue(worker, entry, conversation, may_be_sent)
  if may_be_sent and is_sent(worker, conversation) then
    return conversation
  elseif not (worker:record(entry, { execution_status = M.CONTINUING }) and worker:owns(entry)) then
    return nil
  end
  local sent, err = worker.client:send(conversation.conversation_id, CONTINUE)
  return sent and conversation or nil, err
end

-- Returns whether an error says that the run is given up here: its fleet ends, or its client was closed.
local function is_given_up(err)
  local kind = err.kind == "ambiguous" and err.cause or err.kind
  return kind == "cancelled" or kind == "closed"
end

-- Returns whether to try again: after a transient failure of the resumption, or after a message that was refused as a
-- conflict, e.g. because the sandbox was paused again.
local function may_be_repeated(err)
  return err.operation == "resume" and errors.is_transient(err) or err.operation == "send" and err.kind == "conflict"
end

-- Resumes a conversation when there is a place for it. Returns it, or nil and why it cannot be resumed; nil alone if
-- the run is given up here.
local function resume(worker, entry, conversation, may_be_sent)
  local account, mark, failing_since, is_first = worker.settings.account_id, entry.run.execution_status, nil, true
  local function live() return worker:ask("live", { account_id = account }) end
  while true do
    local may, why = worker:resume(entry, { others = worker.slots:others(live) + worker.settings.reserve,
      mark = may_be_sent and M.CONTINUING or RESUMED })
    local up, err
    entry.awaits_budget = may == false and why ~= nil and why.reason == "budget" or nil
    if may == nil then
      return nil
    elseif may then
      local now = not is_first and not may_be_sent and worker.client:status(conversation.conversation_id)
      if now and now.state ~= "paused" then
        return now -- a person has resumed it meanwhile
      end
      up, err = worker.client:resume(conversation.conversation_id)
      if up then
        up, err = continue(worker, entry, up, may_be_sent)
      end
      if up or entry.is_gone then
        return up
      elseif err and is_given_up(err) then
        return nil -- the ledger says how far it came: who takes the run over goes on from there
      end
      may_be_sent = may_be_sent or err ~= nil and err.kind == "ambiguous"
      worker:record(entry, { state = "paused", execution_status = may_be_sent and M.CONTINUING or mark })
    end
    is_first = false
    local may_pass = not err or err.retryable or err.kind == "limit" or err.kind == "ambiguous"
    failing_since = not may_pass and (failing_since or worker.client:_now()) or nil
    if failing_since
        and not (may_be_repeated(err) and worker.client:_now() - failing_since < limits.OUTAGE_TIMEOUT) then
      return nil, err
    end
    if not worker:rest_in_task(entry, err and err.kind == "ambiguous" and LATE_EVENTS or RESUME_PAUSE) then
      return nil
    end
  end
end

-- Returns whether the state of its agent can be known from its events only, which may come late.
local function is_asleep(conversation)
  return core.upper(tostring(conversation.sandbox_status)) == "PAUSED"
end

--- Takes a conversation that was paused without our asking.
---@param worker openhands.Worker
---@param entry openhands.WorkerEntry
---@param conversation openhands.Conversation
---@return openhands.Conversation? conversation to watch on; nil: there is a problem, or the run has left this worker
---@return string? problem why the run fails
function M.take(worker, entry, conversation)
  local run = entry.run
  local before, mark = run.state, run.execution_status
  local is_over_budget = mark == budgets.MARK
  local may_be_sent = mark == M.CONTINUING and run.is_takeover and not entry.pauses
  local is_late = (may_be_sent or is_asleep(conversation)) and not entry.has_waited
  if not (may_be_sent and is_late) and not worker:record(entry, { state = "paused" }) then
    return nil
  elseif before ~= "paused" and not is_over_budget and not may_be_sent and mark ~= RESUMED then
    learn(worker)
  end
  if is_late then -- the message may be on its way, or the events that show the end of the work
    entry.has_waited = true
    return worker:rest_in_task(entry, LATE_EVENTS) and conversation or nil
  end
  is_over_budget = is_over_budget or budgets.is_spent(worker, run.fleet)
  local policy = (is_over_budget or may_be_sent) and "resume" or worker.settings.on_paused -- when it may
  entry.pauses = (entry.pauses or 0) + 1
  if policy == "resume" and entry.pauses <= MOST_RESUMES then
    local resumed, err = resume(worker, entry, conversation, may_be_sent)
    entry.has_waited = nil
    return resumed, err and "it was paused, and cannot be resumed: " .. err.message
  elseif policy == "leave" then
    return worker:rest_in_task(entry, LEAVE_PAUSE) and conversation or nil
  end
  return nil, "it was paused, by a person or by the service"
end

return M
