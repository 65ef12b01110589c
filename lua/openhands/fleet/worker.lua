--- A worker: claims runs from the ledger while slots are free, and looks after each in a task of its own. Several
--- workers, in one process or on many machines, may share a ledger.

local budgets = require "openhands.fleet.budget"
local core = require "openhands.core"
local custody = require "openhands.fleet.custody"
local errors = require "openhands.errors"
local leases = require "openhands.fleet.leases"
local pendings = require "openhands.request.pending"
local slots = require "openhands.fleet.slots"
local starts = require "openhands.fleet.start"
local task_slots = require "openhands.task.slots"
local tasks = require "openhands.task"
local watches = require "openhands.fleet.watch"

---@class (partial) openhands.Worker
local Worker = require "openhands.fleet.worker_class"

local M = {}

local drop, wake = custody.drop, custody.wake

local IDLE_PAUSE = 2 -- seconds between two looks at what other workers do
local MOST_STARTING = 3 -- starts that are under way at once; on V0 one, until one was accepted

--- Creates a worker.
---@param client openhands.Client
---@param ledger openhands.Ledger
---@param settings openhands.WorkerSettings
---@return openhands.Worker
function M.new(client, ledger, settings)
  return setmetatable({
    client = client,
    ledger = ledger,
    settings = settings,
    slots = slots.new(client, settings),
    owner = core.uuid(),
    _entries = {},
    _hidden = {},
    _tasks = {},
    _alarm = pendings.new(),
  }, Worker)
end

-- Pauses the worker's loop, until it is woken at most.
local function rest(worker, seconds)
  local client, alarm = worker.client, worker._alarm
  if not alarm.news then
    client:_await(alarm, client:_now() + seconds)
  end
  alarm.news = nil
end

--- Stops claiming; `run` returns when the runs that it has are in a state that the next worker can take up.
function Worker:stop()
  self._is_stopping = true
  wake(self)
end

-- ---- runs ----------------------------------------------------------------------------------------------------------

-- Looks after a run until it has ended or left this worker. An error in a function of the user ends the task.
local function look_after(worker, entry, is_fresh)
  local conversation
  if worker.settings.on_change then
    worker.settings.on_change(entry.run, is_fresh and "queued" or nil)
  end
  if entry.run.state == "starting" then
    conversation = starts.start(worker, entry)
    entry.is_starting = nil
    worker._has_started = worker._has_started or conversation ~= nil
    wake(worker)
    if not conversation or not worker:record(entry, starts.facts(entry.run, conversation)) then
      return
    end
  end
  watches.watch(worker, entry, conversation)
end

-- Lets go of a run that has not ended: the next worker need not wait until its lease expires.
local function release(worker, entry)
  if not entry.is_gone and not worker._is_broken and not worker.client._closed then
    worker.ledger:renew(entry.run, 0) -- fails if another worker has it
  end
  drop(worker, entry)
end

-- Takes a run that was claimed.
local function take(worker, run)
  local client = worker.client
  local is_fresh = run.state == "starting" and not run.is_takeover
  local entry = {
    run = custody.as_run(run), is_starting = run.state == "starting" or nil,
    renew_at = client:_now() + worker.settings.lease / 3,
  }
  if is_fresh then
    worker.slots:note_start()
    worker.started_at = client:_now()
  end
  worker._entries[run.run_id] = entry
  entry.task = tasks.spawn(client, look_after, worker, entry, is_fresh)
  task_slots.allow(entry.task, 0) -- if a group runs the worker: it is the ledger that waits for slots, not the start
  entry.task:_when_done(function()
    local _, err = entry.task:wait() -- it has ended
    if errors.is(err) and err.kind ~= "cancelled" then
      worker:fail(err) -- an error of a function of the user, or of this library
    end
    release(worker, entry)
  end)
end

local function starting_count(worker)
  local count = 0
  for _, entry in pairs(worker._entries) do
    count = count + (entry.is_starting and 1 or 0)
  end
  return count
end

-- Returns how many starts may be under way until one was accepted: each of V0 that goes wrong is one for a person.
local function first_starts(worker)
  return worker.client._api == "v0" and 1 or MOST_STARTING
end

-- Returns whether a start is under way that would be ambiguous if it were cut off.
local function has_uncertain_start(worker)
  if worker.client._api ~= "v0" or worker._is_broken or worker.client:_is_given_up() then
    return false
  end
  for _, entry in pairs(worker._entries) do
    if entry.is_starting and not entry.run.is_takeover then
      return true
    end
  end
  return false
end

-- Claims one run. Returns whether it got one, else why not.
local function claim(worker)
  local settings = worker.settings
  worker._token = worker._token or core.uuid() -- kept while the outcome of a claim is unknown
  local others = worker.slots:others(function()
    return (worker:ask("live", { account_id = settings.account_id }))
  end)
  if worker._is_stopping or worker.failure then
    return false
  end
  local run, why = worker:ask("claim", { account_id = settings.account_id, fleet = settings.fleet,
    owner = worker.owner, token = worker._token, lease = settings.lease, others = others,
    reserve = settings.reserve })
  if run == nil then
    if why and why.kind == "not_found" and not settings.fleet then
      return false, { reason = "empty" } -- nobody has added anything yet
    elseif why then
      worker:fail(why)
    end
    return false
  end
  worker._token = nil
  if not run then
    return false, why
  elseif worker._entries[run.run_id] then -- its lease had expired in our own hands: a new owner begins anew
    local old = worker._entries[run.run_id]
    drop(worker, old)
    old.task:cancel()
  end
  take(worker, run)
  return true
end

-- Claims while runs may be started. Returns the seconds after which it may be worth while again.
local function claim_all(worker)
  local why
  while not (worker._is_stopping or worker.failure or worker.exhausted) do
    worker.exhausted = worker.settings.before_claim and worker.settings.before_claim()
    if worker.exhausted then
      break
    end
    local pause = worker.slots:until_start()
    if pause > 0 then
      return pause
    elseif starting_count(worker) >= (worker._has_started and MOST_STARTING or first_starts(worker)) then
      return IDLE_PAUSE
    end
    local good
    good, why = claim(worker)
    if not good then
      break
    end
  end
  worker._idle = why
  if why and why.reason == "budget" then
    budgets.exhaust(worker)
  end
  if not worker.settings.fleet then
    budgets.end_if_all_wait(worker, why)
  end
  ---@type number
  local pause = math.min(IDLE_PAUSE, worker.settings.lease / 2) -- the lease of a dead worker may expire
  return why and why.reason ~= "empty" and why.ready_in and math.min(pause, why.ready_in + 0.001) or pause
end

-- Returns whether nothing is left to do, for this worker and all others.
local function is_over(worker)
  if worker.failure or worker._is_stopping then
    return not has_uncertain_start(worker)
  elseif next(worker._entries) then
    return false
  elseif worker.exhausted then
    return true
  elseif not worker._idle then
    return false
  end
  local left = worker:ask("remaining", { account_id = worker.settings.account_id, fleet = worker.settings.fleet })
  return left ~= nil and left.live + left.queued == 0
end

--- Gives up what is left: ends the tasks, and the leases, so that the next worker need not wait for them to expire.
function Worker:leave()
  self._is_leaving = true
  local entries, all = {}, {}
  for task in pairs(self._tasks) do
    all[#all + 1] = task
  end
  for _, entry in pairs(self._entries) do
    entries[#entries + 1], all[#all + 1] = entry, entry.task
  end
  for _, task in ipairs(all) do
    task:cancel()
  end
  for _, task in ipairs(all) do
    if not tasks.is_cancelled() then -- a cancelled task cannot wait
      task:wait()
    end
  end
  for _, entry in ipairs(entries) do
    release(self, entry)
  end
end

--- Why a worker starts nothing.
---@class openhands.WorkerWait
---@field reason "empty"|"slots"|"paused"|"later"|"waits"|"budget" other workers have what is left; no slot is free; the
--- account or fleet pauses; a run is tried again later; runs wait for others; the budget is spent
---@field ready_in number? seconds
---@field fleet string? whose slots or budget it is; slots without it are those of the account
---@field live integer? items that have a slot, where none is free
---@field slots integer? the most that may have one
---@field others integer sandboxes of others that are up on the account
---@field others_is_upper_bound boolean items that are starting may have some of them

--- Returns why the worker starts nothing, while it looks after no run; nil while it has work, or has not yet looked.
---@return openhands.WorkerWait?
function Worker:waits_for()
  local why = self._idle
  if not why or next(self._entries) then
    return nil
  end
  local others, is_most = self.slots:last_others()
  return { reason = why.reason, ready_in = why.ready_in, fleet = why.fleet, live = why.live, slots = why.slots,
    others = others, others_is_upper_bound = is_most }
end

--- Works until nothing is left, the worker is stopped, or an error ends it.
---@param timeout number? seconds; then the runs go on, and the next worker takes them up
---@return true?
---@return openhands.Error? err
function Worker:run(timeout)
  if self:is_running() then
    errors.raise "run: this worker runs already"
  elseif timeout ~= nil and (type(timeout) ~= "number" or timeout < 0 or timeout ~= timeout) then
    errors.raise "run: the time must be a number of seconds, at least 0"
  end
  local client = self.client
  local deadline = timeout and client:_now() + timeout
  self:leave() -- what an error, e.g. of Ctrl-C, has left of an earlier run
  self._runner, self._is_stopping, self._is_leaving, self.failure = Worker.here(), nil, nil, nil
  self._ends_at = deadline
  self._is_broken, self.exhausted = nil, nil -- what ended an earlier run of this worker
  leases.keep(self)
  repeat
    budgets.check(self)
    local pause = claim_all(self)
    if deadline and client:_now() >= deadline then
      self:fail(errors.new { kind = "timeout", operation = "run", retryable = true,
        message = ("run: the fleet has not ended in %g s; its conversations go on; run it again"):format(timeout) })
    elseif client:_is_given_up() then
      self:fail(client._closed and errors.closed "run" or tasks.cancellation "run")
    end
    if is_over(self) then
      break
    end
    local left = deadline and not self.failure and math.max(0, deadline - client:_now()) or math.huge
    rest(self, math.min(pause, left))
  until false
  self:leave()
  self._runner = nil
  if self._is_closing then
    self:close()
  end
  local err = self.failure or self.exhausted
  if err then
    return nil, err
  end
  return true
end

return M
