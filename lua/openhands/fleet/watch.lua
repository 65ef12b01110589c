--- Watches the conversation of a run until it has settled, and ends the run. The client's poller asks for all watched
--- conversations together.

local budgets = require "openhands.fleet.budget"
local core = require "openhands.core"
local custody = require "openhands.fleet.custody"
local errors = require "openhands.errors"
local identifiers = require "openhands.fleet.identifier"
local json = require "openhands.fleet.json"
local pauses = require "openhands.fleet.pause"
local pollers = require "openhands.wait.poller"
local slots = require "openhands.fleet.slots"
local waiting = require "openhands.wait"

local M = {}

local LONGEST_WORK = waiting.DEFAULT_TIMEOUT -- seconds; a conversation that has not settled then is given up
local OUTAGE_PAUSE = 30 -- seconds before a conversation is watched again after an error that may pass
local LONGEST_ABSENCE = 600 -- seconds for which a conversation whose start was accepted may not be shown yet
local FIRST_PAUSE, LONGEST_PAUSE = 10, 300 -- seconds until a start that has met the limit is tried anew
local FAILED = "its agent has failed"
local MOST_PAUSES = 3 -- tries to free the sandbox of an ended run

-- ---- ends --------------------------------------------------------------------------------------------------------

local function pull_requests_of(links)
  local list = core.array {}
  for place, link in ipairs(links) do
    local path, number = link:match "^https?://[^/]+/(.-)/%-/merge_requests/(%d+)"
    if not path then
      path, number = link:match "^https?://[^/]+/([^/]+/[^/]+)/pull[a-z-]*/(%d+)"
    end
    list[place] = { url = link, number = tonumber(number), repository = path }
  end
  return list
end

-- Returns the result of a run, as JSON.
local function result_of(client, conversation)
  local links = conversation.pull_requests
  if conversation.state == "finished" and #links == 0 then
    links = client:find_pull_requests(conversation) or links -- what cannot be read is no error: the work is done
  end
  local title = conversation.title
  return json.encode {
    answer = conversation.answer, title = type(title) == "string" and title or nil, url = conversation.url,
    pull_requests = pull_requests_of(links), state = conversation.state,
  }
end

local free = { pause = "pause", delete = "delete" }

local is_over = { finished = true, failed = true } -- states whose conversation may be deleted

-- Returns the state in which the work of a run had ended before, for a worker that takes it over.
local function earlier_end(run)
  return tostring(run.execution_status):match "^ended: ([a-z]+)$"
end

-- Frees the sandbox of an ended run, so that another run can have its slot. Failing to is no error of the run. One that
-- is still at work is paused, whatever becomes of the others, and only one whose work is over is deleted: a person may
-- go on with one that was paused or stopped before, or that waits for a person.
local function free_sandbox(worker, entry, conversation)
  local client, action = worker.client, free[worker.settings.after] or not conversation.settled and "pause"
  if action == "delete" and not is_over[earlier_end(entry.run)] then
    action = "pause"
  end
  if not action or conversation.state == "gone" then
    return
  elseif conversation.api == "v0" and action == "pause" then
    action = "stop"
  elseif conversation.api == "v1" and not conversation.sandbox_status
    or action == "pause" and conversation.sandbox_status == "PAUSED" then
    return
  end
  for try = 1, MOST_PAUSES do
    local good, err = client[action](client, conversation.conversation_id)
    if good or not errors.is_transient(err) or not worker:rest_in_task(entry, try) then
      return
    end
  end
end

-- Ends a run, after its sandbox was freed: the ledger gives its slot to another run.
local function finish(worker, entry, conversation, state, problem)
  -- One that was paused after its end may not show its events any more: then the result in the ledger stays.
  local is_known = conversation.state == "paused" and not conversation.answer and entry.run.result
  local result = not is_known and result_of(worker.client, conversation) or nil
  local seen = conversation.state == "paused" and earlier_end(entry.run) or conversation.state
  local mark = "ended: " .. (state == "done" and "finished" or seen)
  -- Recorded first: whoever takes the run over sees that this pause is none of the service's, or that this worker has
  -- deleted the conversation.
  if worker:record(entry, { execution_status = mark, result = result }) then
    free_sandbox(worker, entry, conversation)
    worker:finish(entry, { state = state, result = result, error = problem, cost = conversation.cost })
  end
end

local problems = {
  waiting = "the agent waits for a person to confirm an action",
  stopped = "it was stopped before its work had ended",
  gone = "it was deleted or archived",
}

-- Ends a run whose conversation was deleted after its end. Its result is in the ledger. Returns whether it has
-- ended the run.
local function finish_deleted(worker, entry)
  local state = earlier_end(entry.run)
  if state == "finished" then
    worker:finish(entry, { state = "done" })
  elseif state then
    worker:finish(entry, { state = "failed", error = problems[state] or FAILED })
  end
  return state ~= nil
end

-- ---- failures that are not the task's ------------------------------------------------------------------------------

local function words_of(conversation)
  return type(conversation.detail) == "string" and conversation.detail or ""
end

-- Returns whether a conversation failed because the account has spent what it may spend on models.
local function has_no_budget(conversation)
  local class = conversation.classification
  local words = core.lower(words_of(conversation))
  return type(class) == "table" and class.kind == "quota" or words:find "budget_?exceeded" ~= nil
    or words:find("out_of_credits", 1, true) ~= nil
end

-- Returns whether a start task has failed because too many conversations ran.
local function met_limit(conversation)
  local words = words_of(conversation)
  local has_words = words:find("CONCURRENCY_LIMIT_REACHED", 1, true) or words:find("concurrent conversations", 1, true)
  return conversation.api == "v1" and conversation.state == "failed" and not conversation.execution_status
    and has_words ~= nil
end

-- Returns a run whose start task has met the limit to the queue. Its id is spent: the service may have made a sandbox
-- of it. Returns false if the service has the conversation nevertheless; nil if it does not tell.
local function start_anew(worker, entry, conversation)
  local client, run = worker.client, entry.run
  local list = client:_read("status", { run.conversation_id }, client:_begin "get", "v1")
  if not list then
    return nil
  elseif type(list[1]) == "table" then
    return false
  end
  local ids = worker:ask("conversation_ids", run.run_id)
  if ids then
    slots.learn(worker, words_of(conversation))
    worker:requeue(entry, {
      conversation_id = identifiers.next(run, ids),
      why = "the service refused to start it: " .. client:_line(words_of(conversation), 300),
      delay = math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ math.min(#ids - 1, 10)), -- each try may make a sandbox
    })
  end
  return true
end

-- ---- watching ------------------------------------------------------------------------------------------------------

-- Returns whether a value differs from what is known of a run. Its cost has that of earlier conversations in it.
local function is_news(run, name, value)
  if name == "cost" then
    return math.abs((run.cost or -1) - run.cost_before - value) >= 1e-6
  end
  return run[name] ~= value
end

-- Records what has changed since the last poll. That the message to go on was sent is kept until the service shows that
-- the agent goes on: only this client knows it until then.
local function note(worker, entry, conversation)
  local run = entry.run
  local is_paused = conversation.state == "paused" or conversation.sandbox_status == "PAUSED"
  local is_agent_paused = is_paused or conversation.execution_status == "paused"
  entry.has_waited = is_agent_paused and entry.has_waited or nil
  local fields = {
    task_id = conversation.start_task_id, sandbox_id = conversation.sandbox_id,
    execution_status = conversation.execution_status, sandbox_status = conversation.sandbox_status,
    cost = conversation.cost,
  }
  local changed = run.state == "paused" and not is_paused and { state = "running" } or nil
  for name, value in pairs(fields) do
    local mark = name == "execution_status" and tostring(run.execution_status) or ""
    local is_kept = mark:find "^ended: " or mark == budgets.MARK or mark == pauses.CONTINUING and is_agent_paused
    if (type(value) == "number" and value >= 0 or type(value) == "string" and value ~= "")
        and is_news(run, name, value) and not is_kept then
      changed = changed or {}
      changed[name] = value
    end
  end
  return changed == nil or worker:record(entry, changed) ~= nil
end

-- Waits until a conversation has settled. Notes each poll.
local function wait(worker, entry, latest)
  local client, options = worker.client, { interval = worker.settings.interval }
  local group = pollers.group(client, LONGEST_WORK)
  local single = waiting.new(client, group, entry.run.conversation_id, latest, client:_begin "wait", options)
  single.believes_pauses = true -- the slots learn from a pause at once
  local noted
  while not single:advance() do
    if single.latest ~= noted and single.latest then
      noted = single.latest
      if not note(worker, entry, noted) then
        client._poller:remove(single.entry)
        return nil
      end
    end
    client._poller:await(group)
  end
  return single.conversation, single.err
end

-- Returns whether a conversation that the service does not know may still appear: it accepted the start, and this
-- worker has never seen the conversation.
local function may_appear(worker, entry)
  local client = worker.client
  entry.missing_since = entry.missing_since or client:_now()
  local memory = client:_remember(entry.run.conversation_id)
  return not memory.first_seen and client:_now() - entry.missing_since < LONGEST_ABSENCE
end

-- Takes an error of a wait. Returns whether to watch on.
local function take_error(worker, entry, err)
  if err.kind == "cancelled" or err.kind == "closed" then
    return false
  elseif custody.ends_worker[err.kind] then
    worker:fail(err)
    return false
  elseif err.kind == "timeout" and err.conversation then
    finish(worker, entry, err.conversation, "failed", ("it has not ended in %d hours"):format(LONGEST_WORK / 3600))
    return false
  elseif err.kind == "not_found" and finish_deleted(worker, entry) then
    return false
  elseif err.kind == "timeout" or err.kind == "not_found" and not may_appear(worker, entry) then
    worker:finish(entry, { state = "failed", error = err.message })
    return false
  end
  return worker:rest_in_task(entry, OUTAGE_PAUSE)
end

-- Takes a settled conversation. Returns the conversation to watch on, or nil.
local function take_end(worker, entry, conversation)
  local state = conversation.state
  if state == "gone" and finish_deleted(worker, entry) then
    return nil
  elseif state == "paused" then
    local ended = earlier_end(entry.run) -- paused by us after its end
    if not ended then
      local resumed, why = pauses.take(worker, entry, conversation)
      if why then
        finish(worker, entry, conversation, "failed", why)
      end
      return resumed
    end
    state = ended
  end
  if state == "finished" or state == "stopped" and conversation.answer then
    finish(worker, entry, conversation, "done")
    return nil
  end
  local is_requeued = met_limit(conversation) and start_anew(worker, entry, conversation)
  if is_requeued then
    return nil
  elseif is_requeued == nil then
    return worker:rest_in_task(entry, OUTAGE_PAUSE) and conversation or nil
  end
  local problem = problems[state] or words_of(conversation)
  problem = worker.client:_line(problem ~= "" and problem or FAILED, 500)
  if state == "failed" and has_no_budget(conversation) then
    worker:exhaust(entry, problem)
  end
  finish(worker, entry, conversation, "failed", problem)
end

--- Watches a conversation until its run has ended or left this worker.
---@param worker openhands.Worker
---@param entry openhands.WorkerEntry
---@param conversation openhands.Conversation? as it was seen last; nil: by a worker before this one
function M.watch(worker, entry, conversation)
  if not conversation and entry.run.task_id then
    local memory = worker.client:_remember(entry.run.conversation_id)
    memory.start_task_id = memory.start_task_id or entry.run.task_id
    memory.started_at = memory.started_at or worker.client:_now() -- known to exist: it may not be shown yet
  end
  repeat
    local settled, err = wait(worker, entry, conversation)
    local goes_on
    if settled and note(worker, entry, settled) then
      conversation = take_end(worker, entry, settled)
      goes_on = conversation ~= nil
    elseif err then
      goes_on = take_error(worker, entry, err)
    end
  until not goes_on
end

return M
