--- Tasks in hosts that have no coroutines of their own to run: each is parked until somebody wakes it or its time is
--- over, and resumed by whoever turns the scheduler. Knows neither clients nor descriptors.

local agendas = require "openhands.agenda"
local core = require "openhands.core"
local yielding = require "openhands.yielding"

-- Tasks that may wait on top of each other on one stack: Lua has room for 200 calls of C, of which each takes a few.
local DEEPEST = 40

local M = {}

--- Where one task stands.
---@class openhands.Seat: openhands.Item
---@field task openhands.Task
---@field thread thread
---@field box table? what it waits for, while it is parked
---@field since integer? when it was parked, counted: those who wait for one thing are woken in that order

---@class openhands.Scheduler
---@field private _now fun(): number
---@field private _generation integer
---@field private _agenda openhands.Agenda
---@field private _queue table<integer, openhands.Seat>
---@field private _parked table<openhands.Seat, true>
---@field private _first integer
---@field private _last integer
---@field private _count integer
---@field private _depth integer
local methods = {}
local Scheduler = { __index = methods, __name = "openhands.Scheduler" }

--- A scheduler without tasks.
---@param now fun(): number the clock of its deadlines, seconds
---@return openhands.Scheduler
function M.new(now)
  return setmetatable({
    _now = now,
    _generation = core.generation(),
    _agenda = agendas.new(),
    _queue = {},
    _parked = {}, -- seats: a task goes on although nobody but this scheduler holds it
    _first = 1,
    _last = 0,
    _count = 0,
    _depth = 0,
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
  self._last = self._last + 1
  self._queue[self._last] = seat
end

--- Takes a task up; it begins when the scheduler is turned next.
---@param task openhands.Task
function methods:spawn(task)
  leave_to_parent(self)
  line_up(self, { task = task, thread = task:thread() })
end

--- Whether whoever runs now is a task of this scheduler's that can give way: not the host itself, not a coroutine of
--- somebody else's, not a function called from C.
---@return boolean
function methods:may_park()
  local seat = self._running
  return seat ~= nil and coroutine.running() == seat.thread and yielding.is_possible()
end

--- Why whoever runs now may not wait, as a loop's `refusal`: those who cannot give way turn the scheduler themselves
--- while they wait, and the tasks that run then may do the same.
---@return string?
function methods:refusal()
  if self._depth > DEEPEST and not self:may_park() then
    return ("%d tasks already wait where Lua lets nothing give way, inside of functions of C or of coroutines of their "
      .. "own, and the stack has no room for more: call it from the task's function itself, or run fewer at a time")
      :format(DEEPEST)
  end
end

-- A seat waits no more.
local function clear(self, seat)
  self._agenda:remove(seat)
  if seat.box.parked then
    seat.box.parked[seat] = nil
  end
  seat.box, self._parked[seat] = nil, nil
end

--- Gives way until somebody wakes those who wait for the box, or its time is over.
---@param box table
---@param deadline number? by the scheduler's clock
function methods:park(box, deadline)
  leave_to_parent(self)
  local seat = self._running
  if seat.box then -- Lua 5.1 has not let it give way, and it has caught that
    clear(self, seat)
  end
  self._count = self._count + 1
  seat.box, seat.since = box, self._count
  box.parked = box.parked or {}
  box.parked[seat], self._parked[seat] = true, true
  if deadline then
    seat.at = deadline
    self._agenda:add(seat)
  end
  coroutine.yield()
end

local function release(self, seat)
  clear(self, seat)
  line_up(self, seat)
end

local function came_before(one, other)
  return one.since < other.since
end

--- Whoever waits for the box has their turn.
---@param box table
function methods:wake(box)
  local parked = box.parked
  if not parked then
    return
  end
  box.parked = nil
  local seats = {}
  for seat in pairs(parked) do
    seats[#seats + 1] = seat
  end
  table.sort(seats, came_before)
  for _, seat in ipairs(seats) do
    release(self, seat)
  end
end

local function release_due(self)
  local seat, now = self._agenda:first(), self._now()
  while seat and seat.at <= now do
    release(self, seat)
    seat = self._agenda:first()
  end
end

local function resume(self, seat)
  local outer = self._running -- a task that cannot give way turns the scheduler itself
  self._running, self._depth = seat, self._depth + 1
  local goes_on = seat.task:resume()
  self._running, self._depth = outer, self._depth - 1
  if seat.box and not goes_on then
    clear(self, seat)
  elseif goes_on and not seat.box then -- it has given way by itself
    line_up(self, seat)
  end
end

--- Lets everybody have their turn who is ready, those who become ready meanwhile the next time.
---@param time_slice number? seconds after which the rest has to wait, so that the host has its turn
---@return boolean more somebody is ready
function methods:turn(time_slice)
  leave_to_parent(self)
  release_due(self)
  local last, ends_at = self._last, time_slice and self._now() + time_slice
  while self._first <= last and self._queue[self._first] do -- it is empty in a child that the last one has forked
    local seat = self._queue[self._first]
    self._queue[self._first] = nil
    self._first = self._first + 1
    resume(self, seat)
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
  if self._first <= self._last then
    return self._now()
  end
  local seat = self._agenda:first()
  return seat and seat.at
end

return M
