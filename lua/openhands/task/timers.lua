--- Timers ordered by their deadlines, the earliest first: a binary heap in which each timer knows its own index, so
--- that one can be removed before its time. An error from outside (e.g. of Ctrl-C) may interrupt any change: the next
--- call then rebuilds the heap from the set of its members.

local M = {}

---@class openhands.Timers
---@field private _heap openhands.Timer[]
---@field private _members table<openhands.Timer, boolean>
---@field private _is_changing boolean? the heap is being changed, or a change was interrupted
local methods = {}
local Timers = { __index = methods, __name = "openhands.Timers" }

---@class openhands.Timer
---@field at number monotonic deadline
---@field index integer? in the heap

--- Creates an empty set of timers.
---@return openhands.Timers
function M.new()
  return setmetatable({ _heap = {}, _members = {} }, Timers)
end

local function is_before(one, other)
  return one.at < other.at
end

local function put(heap, index, timer)
  heap[index], timer.index = timer, index
end

local function sift_up(heap, timer)
  local index = timer.index
  local parent = math.floor(index / 2)
  while parent >= 1 and is_before(timer, heap[parent]) do
    put(heap, index, heap[parent])
    index, parent = parent, math.floor(parent / 2)
  end
  put(heap, index, timer)
end

local function sift_down(heap, timer)
  local index = timer.index
  while true do
    local child = 2 * index
    if heap[child + 1] and is_before(heap[child + 1], heap[child]) then
      child = child + 1
    end
    if not heap[child] or not is_before(heap[child], timer) then
      break
    end
    put(heap, index, heap[child])
    index = child
  end
  put(heap, index, timer)
end

local function repair(self)
  if self._is_changing then
    local heap = {}
    for timer in pairs(self._members) do
      heap[#heap + 1] = timer
    end
    table.sort(heap, is_before)
    for index, timer in ipairs(heap) do
      timer.index = index
    end
    self._heap, self._is_changing = heap, nil
  end
end

--- Adds a timer that is in no set yet.
---@param timer openhands.Timer
function methods:add(timer)
  repair(self)
  local heap = self._heap
  self._is_changing = true
  self._members[timer] = true
  put(heap, #heap + 1, timer)
  sift_up(heap, timer)
  self._is_changing = nil
end

--- Removes a timer; does nothing if it is not in the set.
---@param timer openhands.Timer
function methods:remove(timer)
  repair(self)
  if not self._members[timer] then
    timer.index = nil
    return
  end
  local heap, index = self._heap, timer.index
  local last = heap[#heap]
  self._is_changing = true
  self._members[timer] = nil
  heap[#heap], timer.index = nil, nil
  if last ~= timer then
    put(heap, index, last)
    sift_up(heap, last)
    sift_down(heap, last)
  end
  self._is_changing = nil
end

--- Returns the timer with the earliest deadline.
---@return openhands.Timer?
function methods:first()
  repair(self)
  return self._heap[1]
end

return M
