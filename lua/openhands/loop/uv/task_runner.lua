--- The tasks' turns in libuv's loop: one timer for all of them, and in Neovim `vim.schedule`, since their own code may
--- do little in a callback of the loop.

local core = require "openhands.core"
local library = require "openhands.loop.uv.binding"
local schedulers = require "openhands.task.scheduler"
local watchers = require "openhands.loop.uv.fd_watch"

local neovim, uv = library.neovim, library.uv

local TIME_SLICE = 0.005 -- seconds for which tasks may have the loop to themselves
local RESCUE = 10 -- milliseconds
local LOST = 1 -- seconds after which what Neovim was to do is asked for again: an error may have ended it
local GIVE_WAY = 1 -- millisecond: a timer of 0 that a timer sets would come before everything else

local M = {}

--- Those whose turn it is.
M.scheduler = schedulers.new(core.monotonic)

local scheduler = M.scheduler
local alarm -- the one timer
local scheduled_at -- monotonic moment, while Neovim is to give the tasks their turns
local is_suspended = false

--- Sets the timer; any event of the loop gives the tasks their turns.
---@param delay integer milliseconds
---@param again number? milliseconds between further alarms; default: there are none
function M.set_alarm(delay, again)
  if not alarm or alarm:is_closing() then -- by a program that closes all handles there are
    alarm = uv.new_timer()
  end
  alarm:start(delay, again or 0, M.give)
end

--- Sets the timer for when the next task is ready, or a watcher can go: of what was cancelled the loop hears nothing
--- else. It keeps a program going that has tasks, and no other.
---@param least integer|false|nil milliseconds
function M.set_alarm_for_tasks(least)
  local moment = watchers.has_idle() and -math.huge or scheduler:next_deadline()
  if moment then
    M.set_alarm(math.max(library.milliseconds(moment - core.monotonic()), least or 0))
  elseif alarm and not alarm:is_closing() then
    alarm:stop()
  end
end

--- Lets those who are ready have their turns, for a time slice.
---@return boolean more somebody is still ready
function M.run()
  local ends_at = core.monotonic() + TIME_SLICE
  local more, left = true, TIME_SLICE
  while more and left > 0 do
    more = scheduler:step(left)
    left = ends_at - core.monotonic()
  end
  return more
end

local function run_and_set_alarm()
  scheduled_at = nil
  if alarm and not alarm:is_closing() then
    M.set_alarm(RESCUE) -- for an error, Ctrl-C's say, that ends this in the middle
  end
  M.set_alarm_for_tasks(M.run() and GIVE_WAY)
end

--- In a callback of the loop: whoever is ready has their turn, soon.
function M.give()
  watchers.unwatch_idle()
  local moment = scheduler:next_deadline()
  if is_suspended then
    return
  elseif not moment or moment > core.monotonic() then
    M.set_alarm_for_tasks()
  elseif not neovim then
    run_and_set_alarm()
  elseif not scheduled_at or core.monotonic() - scheduled_at > LOST then
    neovim.schedule(run_and_set_alarm)
    scheduled_at = core.monotonic()
    uv.stop() -- older Neovims else sleep in the loop before they see what a timer has scheduled
  end
end

--- Whether the loop's callbacks give no turns: whoever runs the loop does it between them.
---@param suspended boolean
---@return boolean before
function M.suspend(suspended)
  local before = is_suspended
  is_suspended = suspended
  return before
end

--- Closes the timer.
function M.close()
  if alarm and not alarm:is_closing() then
    alarm:close()
  end
end

return M
