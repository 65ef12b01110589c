--- What a worker does with the runs that it has: keeps their leases, and writes into the ledger what becomes of them. A
--- run that another worker has taken over is dropped silently.

local errors = require "openhands.errors"
local tasks = require "openhands.task"

---@class (partial) openhands.Worker
local Worker = require "openhands.fleet.worker_class"

local M = {}

local FIRST_OUTAGE_PAUSE, LONGEST_OUTAGE_PAUSE = 0.5, 15 -- seconds between tries while the ledger is away

--- Kinds of errors that no other item of this worker would be spared: its key, or the certificate of the service, is
--- refused.
M.ends_worker = { authentication = true, permission = true, tls = true }

-- Runs are printed as one line.
local run_class = {
  __name = "openhands.Run",
  __tostring = function(run)
    return ("%s: %s%s"):format(run.key, run.state, run.error and " (" .. run.error .. ")" or "")
  end,
}

--- Gives a run from the ledger its text for people.
---@param run openhands.Run
---@return openhands.Run
function M.as_run(run)
  return setmetatable(run, run_class)
end

--- Wakes the loop of a worker.
---@param worker openhands.Worker
function M.wake(worker)
  worker._alarm.news = true
  worker.client:_wake(worker._alarm)
end

local wake = M.wake

--- Runs a function beside the worker's loop. What it raises ends the worker; when the worker leaves, it is cancelled.
---@param worker openhands.Worker
---@param action fun(worker: openhands.Worker, ...)
---@param ... any
---@return openhands.Task
function M.spawn(worker, action, ...)
  local task = tasks.spawn(worker.client, action, worker, ...)
  worker._tasks[task] = true
  task:_when_done(function()
    worker._tasks[task] = nil
    local _, err = task:wait() -- it has ended
    if errors.is(err) and err.kind ~= "cancelled" then
      worker:fail(err)
    end
    M.wake(worker)
  end)
  return task
end

--- Pauses the task of a run. Returns false if the task is to end instead.
---@param entry openhands.WorkerEntry
---@param seconds number
---@return boolean
function Worker:rest_in_task(entry, seconds)
  if entry.is_gone or self._is_leaving or self.client:_is_given_up() then
    return false
  end
  self.client:_sleep(seconds)
  return not (entry.is_gone or self._is_leaving or self.client:_is_given_up())
end

-- ---- secrets -------------------------------------------------------------------------------------------------------

local SHORTEST_SECRET = 4 -- bytes; a shorter one is part of many words

--- Notes values that no text in the ledger may have: a service may repeat in an error what was sent.
---@param values string[]
function Worker:hide(values)
  for _, value in ipairs(values) do
    if #value >= SHORTEST_SECRET and not self._hidden[value] then
      self._hidden[value] = value:gsub("[%^$()%%.%[%]*+?-]", "%%%0"):gsub("%z", "%%z")
    end
  end
end

-- Returns a text of the service without those values.
local function cleaned(worker, text)
  for _, pattern in pairs(worker._hidden) do
    text = text and text:gsub(pattern, "[redacted]")
  end
  return text
end

-- ---- the ledger ----------------------------------------------------------------------------------------------------

--- Calls an operation of the ledger. While its database is away, waits and tries again.
---@param operation string
---@param ... any
---@return any value
---@return any err nil without a value and an error: the worker is to end
function Worker:ask(operation, ...)
  local pause = FIRST_OUTAGE_PAUSE
  while not self._is_broken do
    local value, err = self.ledger[operation](self.ledger, ...)
    if not errors.is(err) or err.kind ~= "ledger" then
      return value, err
    elseif not err.retryable or self._ends_at and self.client:_now() >= self._ends_at then
      self:fail(err)
      return nil
    end
    self.outage = err
    self.client:_log("%s; trying again", err.message)
    if self.client:_is_given_up() then
      return nil
    end
    local left = self._ends_at and self._ends_at - self.client:_now() or math.huge
    self.client:_sleep(math.min(left, pause * (0.5 + self.client._settings.random() / 2)))
    pause = math.min(LONGEST_OUTAGE_PAUSE, pause * 2)
  end
end

--- Lets go of a run.
---@param worker openhands.Worker
---@param entry openhands.WorkerEntry
function M.drop(worker, entry)
  entry.is_gone = true
  if worker._entries[entry.run.run_id] == entry then
    worker._entries[entry.run.run_id] = nil
  end
  wake(worker)
end

local drop = M.drop

-- Takes what the ledger says after a change of a run. A run that another worker has taken over is dropped silently.
local function take_change(worker, entry, run, err)
  if run then
    local previous = entry.run.state
    run.is_takeover = entry.run.is_takeover
    entry.run = M.as_run(run)
    if run.state ~= previous and worker.settings.on_change then
      worker.settings.on_change(run, previous)
    end
    return run
  end
  drop(worker, entry)
  if err and err.kind ~= "fenced" then
    worker:fail(err)
  end
end

--- Records what was seen of a run.
---@param entry openhands.WorkerEntry
---@param fields table as for `Ledger:record`
---@return openhands.Run? run nil: the run has left this worker
function Worker:record(entry, fields)
  if entry.is_gone then
    return nil
  end
  fields.result = cleaned(self, fields.result)
  self.has_new_costs = self.has_new_costs or fields.cost ~= nil
  return take_change(self, entry, self:ask("record", entry.run, fields))
end

--- Ends a run.
---@param entry openhands.WorkerEntry
---@param fields table as for `Ledger:finish`
function Worker:finish(entry, fields)
  if entry.is_gone then
    return
  end
  fields.error, fields.result = cleaned(self, fields.error), cleaned(self, fields.result)
  local run = take_change(self, entry, self:ask("finish", entry.run, fields))
  drop(self, entry)
  if run and self.settings.on_done then
    self.settings.on_done(run)
  end
end

--- Returns a run to the queue.
---@param entry openhands.WorkerEntry
---@param fields table as for `Ledger:requeue`
function Worker:requeue(entry, fields)
  if entry.is_gone then
    return
  end
  fields.delay, fields.why = (fields.delay or 0) * self.patience, cleaned(self, fields.why)
  take_change(self, entry, self:ask("requeue", entry.run, fields))
  drop(self, entry)
end

--- Makes a paused run one that is up, if there is a place for it.
---@param entry openhands.WorkerEntry
---@param fields { others: integer, mark: string } as for `Ledger:resume`
---@return openhands.Run|false|nil run false: it has to wait; nil: it has left this worker
---@return openhands.NoClaim? why
function Worker:resume(entry, fields)
  if entry.is_gone then
    return nil
  end
  local run, why = self:ask("resume", entry.run, fields)
  if run == false then
    return false, why
  end
  return take_change(self, entry, run, why)
end

--- Renews the lease of a run. Returns whether this worker still has the run.
---@param worker openhands.Worker
---@param entry openhands.WorkerEntry
---@return boolean
function M.renew(worker, entry)
  local lease = worker.settings.lease
  entry.renew_at = worker.client:_now() + lease / 3
  local good, err = worker:ask("renew", entry.run, lease)
  if good then
    return not entry.is_gone
  end
  if not entry.is_gone then
    drop(worker, entry)
    if err and err.kind ~= "fenced" and err.kind ~= "conflict" then
      worker:fail(err)
    end
  end
  return false
end

--- Returns whether this worker still has a run, with a new lease.
---@param entry openhands.WorkerEntry
---@return boolean
function Worker:owns(entry)
  return not entry.is_gone and not self._is_leaving and M.renew(self, entry)
end

-- ---- ends ----------------------------------------------------------------------------------------------------------

--- Ends the worker with an error. What it has not ended stays in the ledger, for the next worker.
---@param err openhands.Error
function Worker:fail(err)
  err.message = cleaned(self, err.message)
  self.failure = self.failure or err
  if err.kind == "ledger" then
    self._is_broken = true
  end
  wake(self)
end

--- Starts nothing more: the account has spent what it may spend on models. What is live goes on.
---@param entry openhands.WorkerEntry whose conversation has told
---@param words string of the service
function Worker:exhaust(entry, words)
  local run = entry.run
  self.exhausted = self.exhausted or errors.new {
    kind = "quota", operation = "run", retryable = false, conversation_id = run.conversation_id,
    message = ("run: nothing more is started, because the budget for models is spent (item '%s': %s); raise it, then "
      .. "run the fleet again"):format(run.key, cleaned(self, words)),
  }
  self:ask("pause_fleet", { account_id = run.account_id, fleet = run.fleet, seconds = 3600 })
end

return M
