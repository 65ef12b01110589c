--- Tasks in hosts that have no coroutines of their own to run: each is parked until somebody wakes it or its time is
--- over, and resumed by whoever turns the scheduler. Knows neither clients nor descriptors.
---
--- Ctrl-C, or a hook of the host's, may raise an error between any two steps of whoever turns it. So each change is
--- made whole by one assignment, and before that nothing is let go of: what is found twice is skipped, and who was
--- taken from the queue is taken back at the next turn.

local agendas = require "openhands.task.timers"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"

-- Tasks that may wait on top of each other on one stack: Lua has room for 200 calls of C, of which each takes a few.
local DEEPEST = 40

local M = {}

--- Where one task stands.
---@class openhands.Seat: openhands.Item
---@field task openhands.Task
---@field thread thread
---@field queued integer? its number in the queue; what else stands there is nobody's
---@field pending openhands.Pending? what it waits for, while it is parked
---@field since integer? when it was parked, counted: those who wait for one thing are woken in that order

---@class openhands.Scheduler
---@field is_in_use boolean a task was spawned here: before, nothing else needs to be asked
---@field private _now fun(): number
---@field private _generation any of the process: a forked child has another
---@field private _agenda openhands.Agenda
---@field private _queue table<integer, openhands.Seat>
---@field private _parked table<openhands.Seat, boolean?>
---@field private _seats table<thread, openhands.Seat>
---@field private _resumed openhands.Seat[]
---@field private _first integer number in the queue of the next
---@field private _last integer and of the last
---@field private _count integer how many have been parked so far
local methods = {}
local Scheduler = { __index = methods, __name = "openhands.Scheduler" }

--- A scheduler without tasks.
---@param now fun(): number the clock of its deadlines, seconds
---@return openhands.Scheduler
function M.new(now)
  return setmetatable({
    is_in_use = false,
    _now = now,
    _generation = core.generation(),
    _agenda = agendas.new(),
    _queue = {},
    _parked = {}, -- seats: a task goes on although nobody but this scheduler holds it
    _seats = setmetatable({}, { __mode = "kv" }), -- by thread
    _resumed = {}, -- seats whose turn it is: each was resumed by the one before, which turns the scheduler itself
    _first = 1,
    _last = 0,
    _count = 0,
  }, Scheduler)
end

-- A forked child has the parent's tasks, but they are not to be done twice: it keeps the one that it runs in.
local function leave_to_parent(self)
  if self._generation ~= core.generation() then
    self._queue, self._first, self._last = {}, 1, 0
    self._agenda, self._parked = agendas.new(), {}
    self._generation = core.generation()
  end
end

local function line_up(self, seat)
  local number = self._last + 1
  self._last = number
  self._queue[number] = seat
  seat.queued = number
end

local function is_queued(self, seat)
  return seat.queued ~= nil and self._queue[seat.queued] == seat
end

-- A seat waits no more.
local function clear(self, seat)
  self._agenda:remove(seat)
  if seat.pending and seat.pending.parked then
    seat.pending.parked[seat] = nil
  end
  seat.pending, self._parked[seat] = nil, nil
end

-- Whether a task has its turn: it runs, or has resumed somebody who does.
local function has_turn(seat)
  local status = coroutines.status(seat.thread)
  return status == "normal" or status == "running"
end

-- Sees to a task that has had its turn: it has ended, is parked, or has given way by itself.
local function settle(self, seat)
  local goes_on = seat.task:reap()
  if seat.pending and not goes_on then
    clear(self, seat)
  elseif goes_on and not seat.pending and not is_queued(self, seat) then
    line_up(self, seat)
  end
end

-- How many have their turn; those above them had it when an error ended that.
local function depth_of(self)
  local resumed = self._resumed
  local depth = #resumed
  while resumed[depth] and not has_turn(resumed[depth]) do
    depth = depth - 1
  end
  return depth
end

-- Those whose turn was ended by an error in whoever gave it are taken back.
local function take_back(self)
  local resumed = self._resumed
  while #resumed > depth_of(self) do
    settle(self, resumed[#resumed])
    resumed[#resumed] = nil
  end
end

--- Takes a task up; it begins when the scheduler is turned next.
---@param task openhands.Task
function methods:spawn(task)
  leave_to_parent(self)
  self.is_in_use = true
  local seat = { task = task, thread = task:thread() }
  self._seats[seat.thread] = seat
  line_up(self, seat)
end

-- The seat of the task that runs, if it is one of this scheduler's.
local function running_seat(self)
  local thread = coroutine.running()
  return thread and self._seats[thread]
end

--- Whether whoever runs now is a task of this scheduler's that can give way: not the host itself, not a coroutine of
--- somebody else's, not a function called from C.
---@return boolean
function methods:may_park()
  return running_seat(self) ~= nil and coroutines.can_yield()
end

--- Why whoever runs now may not wait, as a loop's `refusal`: those who cannot give way turn the scheduler themselves
--- while they wait, and the tasks that run then may do the same.
---@return string?
function methods:refusal()
  if depth_of(self) > DEEPEST and not self:may_park() then
    return ("%d tasks already wait where Lua lets nothing give way, inside of functions of C or of coroutines of their "
      .. "own, and the stack has no room for more: call it from the task's function itself, or run fewer at a time")
      :format(DEEPEST)
  end
end

--- Parks the running task until the waiters of the record are woken, or until the deadline.
---@param pending openhands.Pending
---@param deadline number? by the scheduler's clock
function methods:park(pending, deadline)
  leave_to_parent(self)
  local seat = running_seat(self)
  if seat.pending then -- Lua 5.1 has not let it give way, and it has caught that
    clear(self, seat)
  end
  self._count = self._count + 1
  seat.pending, seat.since = pending, self._count
  pending.parked = pending.parked or {}
  pending.parked[seat], self._parked[seat] = true, true
  if deadline then
    seat.at = deadline
    self._agenda:add(seat)
  end
  -- What this is called from is no coroutine for the checker, which has no way to tell.
  ---@diagnostic disable-next-line: await-in-sync
  coroutine.yield()
end

local function release(self, seat)
  line_up(self, seat)
  clear(self, seat)
end

local function came_before(one, other)
  return one.since < other.since
end

--- Makes the tasks that wait for the record ready to run.
---@param pending openhands.Pending
function methods:wake(pending)
  local parked = pending.parked
  if not parked then
    return
  end
  local seats = {}
  for seat in pairs(parked) do
    seats[#seats + 1] = seat
  end
  table.sort(seats, came_before)
  for _, seat in ipairs(seats) do
    release(self, seat)
  end
  pending.parked = nil
end

local function release_due(self)
  local seat, now = self._agenda:first(), self._now()
  while seat and seat.at <= now do
    release(self, seat)
    seat = self._agenda:first()
  end
end

-- Gives a turn to the first in the queue, if there is one in that place.
local function give_turn(self)
  local number = self._first
  local seat, resumed = self._queue[number], self._resumed
  local is_its_turn = seat and seat.queued == number
  if is_its_turn then
    if seat.pending then -- an error has kept it from being cleared
      clear(self, seat)
    end
    resumed[#resumed + 1] = seat
    seat.queued = nil
  end
  self._queue[number] = nil
  self._first = number + 1
  if is_its_turn then
    seat.task:resume()
    take_back(self)
  end
end

--- Lets everybody have their turn who is ready, those who become ready meanwhile the next time.
---@param time_slice number? seconds after which the rest has to wait, so that the host has its turn
---@return boolean more somebody is ready
function methods:turn(time_slice)
  leave_to_parent(self)
  take_back(self)
  release_due(self)
  local last, ends_at = self._last, time_slice and self._now() + time_slice
  while self._first <= math.min(last, self._last) do -- it is empty in a child that the last one has forked
    give_turn(self)
    if ends_at and self._now() >= ends_at then
      break
    end
  end
  return self._first <= self._last
end

--- The moment at which somebody is ready again, if nobody wakes them sooner.
---@return number? moment by the scheduler's clock; now or before, if somebody is ready
function methods:next_moment()
  leave_to_parent(self)
  if self._first <= self._last or depth_of(self) < #self._resumed then
    return self._now()
  end
  local seat = self._agenda:first()
  return seat and seat.at
end

return M
