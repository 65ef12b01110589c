--- Schedules tasks in hosts without coroutines of their own (plain Lua, libuv): a task is parked until it is woken or
--- its deadline has passed, and then resumed by the next `step`. Knows neither clients nor descriptors.
---
--- An error from outside (of Ctrl-C, or of the host's hook) may interrupt a step anywhere. So each change takes effect
--- with a single assignment, and what it replaces is removed only afterwards. An entry that is in the queue twice is
--- resumed once. An entry that was taken from the queue but not handled is handled by the next step.

local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local timers = require "openhands.task.timers"

-- Limit of tasks that wait on top of each other on one C stack: Lua allows 200 nested C calls, and each task needs a
-- few.
local DEEPEST = 40

local M = {}

--- A task in the scheduler. It is also a timer, for the deadline until which it is parked.
---@class openhands.SchedulerEntry: openhands.Timer
---@field task openhands.Task
---@field thread thread
---@field queue_number integer? the only valid place in the queue; an interrupted change may leave others
---@field pending openhands.Pending? what it waits for, while it is parked
---@field parked_number integer? counts up: the tasks that wait for one thing are woken in the order of their parking

---@class openhands.Scheduler
---@field private _now fun(): number
---@field private _generation any of the process: a forked child has another one
---@field private _timers openhands.Timers
---@field private _queue table<integer, openhands.SchedulerEntry> ready tasks, by their place
---@field private _first integer place of the next task in the queue
---@field private _last integer place of the last task in the queue
---@field private _parked table<openhands.SchedulerEntry, boolean?> keeps tasks alive that nothing else holds
---@field private _parked_count integer
---@field private _entries table<thread, openhands.SchedulerEntry>
---@field private _running openhands.SchedulerEntry[] stack: each was resumed by a step that the one below runs
local methods = {}
local Scheduler = { __index = methods, __name = "openhands.Scheduler" }

--- Creates a scheduler without tasks.
---@param now fun(): number the clock of its deadlines, seconds
---@return openhands.Scheduler
function M.new(now)
  return setmetatable({
    _now = now,
    _generation = core.generation(),
    _timers = timers.new(),
    _queue = {},
    _first = 1,
    _last = 0,
    _parked = {},
    _parked_count = 0,
    _entries = setmetatable({}, { __mode = "kv" }),
    _running = {},
  }, Scheduler)
end

--- Raises for a wait without a deadline that nothing can end.
function M.raise_deadlock()
  errors.raise "wait: nothing is under way that could end this wait: the tasks wait for one another"
end

-- A forked child inherits the parent's tasks, but must not run them too: it keeps only the one that it runs in.
local function reset_after_fork(self)
  if self._generation ~= core.generation() then
    self._queue, self._first, self._last = {}, 1, 0
    self._timers, self._parked = timers.new(), {}
    self._generation = core.generation()
  end
end

local function enqueue(self, entry)
  local number = self._last + 1
  self._last = number
  self._queue[number] = entry
  entry.queue_number = number
end

local function is_queued(self, entry)
  return entry.queue_number ~= nil and self._queue[entry.queue_number] == entry
end

local function unpark(self, entry)
  if entry.at then -- it has had a deadline
    self._timers:remove(entry)
    entry.at = nil
  end
  if entry.pending and entry.pending.parked then
    entry.pending.parked[entry] = nil
  end
  entry.pending, self._parked[entry] = nil, nil
end

-- Returns whether a task runs, or has resumed the task that runs.
local function is_running(entry)
  local status = coroutines.status(entry.thread)
  return status == "normal" or status == "running"
end

-- Handles a task that was resumed and has yielded or ended. One that has yielded without being parked is ready again.
local function after_resume(self, entry, goes_on)
  if entry.pending and not goes_on then
    unpark(self, entry)
  elseif goes_on and not entry.pending and not is_queued(self, entry) then
    enqueue(self, entry)
  end
end

-- Returns how many tasks on the stack still run. Those above them have yielded or ended and are not removed yet.
local function depth_of(self)
  local running = self._running
  local depth = #running
  while running[depth] and not is_running(running[depth]) do
    depth = depth - 1
  end
  return depth
end

-- Removes from the stack the tasks that no longer run.
local function unwind(self)
  local running, depth = self._running, depth_of(self)
  while #running > depth do
    local entry = running[#running]
    after_resume(self, entry, entry.task:reap())
    running[#running] = nil
  end
end

--- Adds a task; the next step starts it.
---@param task openhands.Task
function methods:spawn(task)
  reset_after_fork(self)
  local entry = { task = task, thread = task:thread() }
  self._entries[entry.thread] = entry
  enqueue(self, entry)
end

local function running_entry(self)
  local thread = coroutine.running()
  return thread and self._entries[thread]
end

--- Returns the running task's entry, if the coroutine that runs is a task of this scheduler and can yield here: nil in
--- the host itself, in a coroutine created by other code, and below a C function.
---@return openhands.SchedulerEntry?
function methods:parkable()
  local entry = running_entry(self)
  return entry and coroutines.can_yield() and entry or nil
end

--- Returns why waiting is impossible here, as a loop's `refusal`. Code that cannot yield runs steps while it waits, and
--- the tasks resumed by them may do the same, until the stack is full.
---@return string?
function methods:refusal()
  if #self._running > DEEPEST and depth_of(self) > DEEPEST and not self:parkable() then
    return ("%d tasks already wait where Lua cannot yield, inside C functions or coroutines of their own, and the "
      .. "stack has no room for more: call it from the task's function itself, or run fewer at a time"):format(DEEPEST)
  end
end

--- Yields until the waiters of `pending` are woken, or until the deadline.
---@param entry openhands.SchedulerEntry the running task's, as `parkable` returns it
---@param pending openhands.Pending
---@param deadline number? by the scheduler's clock
function methods:park(entry, pending, deadline)
  reset_after_fork(self)
  if entry.pending then -- its last yield failed (Lua 5.1 inside pcall), and it has caught the error
    unpark(self, entry)
  end
  self._parked_count = self._parked_count + 1
  entry.pending, entry.parked_number = pending, self._parked_count
  pending.parked = pending.parked or {}
  pending.parked[entry], self._parked[entry] = true, true
  if deadline then
    entry.at = deadline
    self._timers:add(entry)
  end
  -- The checker cannot know that the caller is a coroutine.
  ---@diagnostic disable-next-line: await-in-sync
  coroutine.yield()
end

local function make_ready(self, entry)
  enqueue(self, entry)
  unpark(self, entry)
end

local function was_parked_before(one, other)
  return one.parked_number < other.parked_number
end

--- Makes the tasks ready that wait for `pending`.
---@param pending openhands.Pending
function methods:wake(pending)
  local parked = pending.parked
  local first = parked and next(parked)
  if not first then
    return
  elseif next(parked --[[@as table]], first) == nil then -- an exchange has one waiter
    make_ready(self, first)
  else
    local entries = {}
    for entry in pairs(parked --[[@as table]]) do
      entries[#entries + 1] = entry
    end
    table.sort(entries, was_parked_before)
    for _, entry in ipairs(entries) do
      make_ready(self, entry)
    end
  end
  pending.parked = nil
end

local function wake_due(self)
  local entry, now = self._timers:first(), self._now()
  while entry and entry.at <= now do
    make_ready(self, entry)
    entry = self._timers:first()
  end
end

-- Resumes the first task in the queue if its place there still counts.
local function resume_first(self)
  local number = self._first
  local entry, running = self._queue[number], self._running
  local is_ready = entry and entry.queue_number == number
  if is_ready then
    if entry.pending then -- an error has interrupted `make_ready`
      unpark(self, entry)
    end
    running[#running + 1] = entry
    entry.queue_number = nil
  end
  self._queue[number] = nil
  self._first = number + 1
  if not is_ready then
    return
  end
  local goes_on = entry.task:resume()
  if running[#running] == entry then
    after_resume(self, entry, goes_on)
    running[#running] = nil
  else -- an error has interrupted the steps that this task ran
    unwind(self)
  end
end

--- Resumes each task that is ready, once. Tasks that become ready meanwhile are left for the next step.
---@param time_slice number? seconds after which it stops early, so that the host can go on
---@return boolean more whether tasks are still ready
function methods:step(time_slice)
  reset_after_fork(self)
  unwind(self)
  wake_due(self)
  local last, ends_at = self._last, time_slice and self._now() + time_slice
  while self._first <= math.min(last, self._last) do -- if a task forks, the child's queue is empty
    resume_first(self)
    if ends_at and self._now() >= ends_at then
      break
    end
  end
  return self._first <= self._last
end

--- Returns the time at which a task will be ready, if none is woken before.
---@return number? deadline by the scheduler's clock; now or earlier, if one is ready
function methods:next_deadline()
  reset_after_fork(self)
  if self._first <= self._last or depth_of(self) < #self._running then
    return self._now()
  end
  local entry = self._timers:first()
  return entry and entry.at
end

return M
