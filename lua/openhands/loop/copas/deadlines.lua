--- Wakes waiters in copas, at their deadlines or at once. Not every copas has timers, so a client of the core that
--- sends nothing serves as one: its descriptor becomes readable when its alarm is due.

local core = require "openhands.core"
local selectable = require "openhands.loop.copas.selectable"
local timers = require "openhands.task.timers"

local POLL_INTERVAL = 0.01 -- seconds that the process sleeps where `select` cannot watch the descriptor
local LONGEST_ALARM = 1e9 -- seconds

local M = {}

local deadlines = timers.new()
---@type openhands.Selectable, any
local watched, alarm = selectable.new(), nil

function watched.is_needed()
  return true
end

-- Sets the alarm for the earliest deadline; returns whether there is one.
local function set_alarm()
  local first = deadlines:first()
  alarm:alarm(first and math.min(math.max(first.at - core.monotonic(), 0), LONGEST_ALARM))
  return first ~= nil
end

local function wake_due()
  alarm:step(0)
  if watched.is_unwatchable then
    core.poll({}, POLL_INTERVAL)
  end
  local first = deadlines:first() --[[@as openhands.Selectable?]]
  while first and first.at <= core.monotonic() do
    deadlines:remove(first)
    first.woken = true
    first = deadlines:first() --[[@as openhands.Selectable?]]
  end
  return set_alarm()
end

--- Wakes a waiter at its deadline, unless it is woken before.
---@param waiter openhands.Selectable
---@param deadline number monotonic time
function M.wake_at(waiter, deadline)
  if not alarm or alarm:is_inherited() then
    alarm = core.new { base_url = "http://127.0.0.1" } -- where nothing is sent
    watched:set_descriptor(alarm:pollfd())
  end
  waiter.at = deadline
  deadlines:add(waiter)
  set_alarm()
  watched:watch(wake_due)
end

--- Wakes a waiter now.
---@param waiter openhands.Selectable
function M.wake(waiter)
  waiter.woken = true
  if waiter.index then
    deadlines:remove(waiter)
    watched.woken = watched.woken or not set_alarm()
  end
end

return M
