--- The time in copas, for all who wait: not every copas has timers, so that the alarm of a client of the core's, which
--- sends nothing, is watched in their place.

local timers = require "openhands.task.timers"
local core = require "openhands.core"
local selectable = require "openhands.loop.copas.selectable"

local NAP = 0.01 -- seconds that the process sleeps at a time where `select` cannot watch what it should

local MOST = 1e9 -- seconds to an alarm

local M = {}

local agenda = timers.new()
---@type openhands.Selectable, any
local watched, alarm = selectable.new(), nil

function watched.is_wanted()
  return true
end

-- Whether there is anything to wait for.
local function set_alarm()
  local first = agenda:first()
  alarm:alarm(first and math.min(math.max(first.at - core.monotonic(), 0), MOST))
  return first ~= nil
end

-- Wakes those whose time is over.
local function look()
  alarm:step(0)
  if watched.blind then
    core.poll({}, NAP)
  end
  local first = agenda:first() --[[@as openhands.Selectable?]]
  while first and first.at <= core.monotonic() do
    agenda:remove(first)
    first.woken = true
    first = agenda:first() --[[@as openhands.Selectable?]]
  end
  return set_alarm()
end

--- Wakes somebody at a moment, if they do not wake before.
---@param waiter openhands.Selectable
---@param moment number monotonic
function M.put_down(waiter, moment)
  if not alarm or alarm:is_inherited() then
    alarm = core.new { base_url = "http://127.0.0.1" } -- where nothing is sent
    watched:set_descriptor(alarm:pollfd())
  end
  waiter.at = moment
  agenda:add(waiter)
  set_alarm()
  watched:watch(look)
end

--- Wakes somebody now.
---@param waiter openhands.Selectable
function M.wake(waiter)
  waiter.woken = true
  if waiter.index then
    agenda:remove(waiter)
    watched.woken = watched.woken or not set_alarm()
  end
end

return M
