--- Runs the tasks in libuv's loop, with one timer for all of them. In Neovim they run in `vim.schedule`, because most
--- of its API is forbidden in the callbacks of the loop.

local binding = require "openhands.loop.uv.binding"
local core = require "openhands.core"
local fd_watch = require "openhands.loop.uv.fd_watch"
local schedulers = require "openhands.task.scheduler"

local neovim, uv = binding.neovim, binding.uv

local TIME_SLICE = 0.005 -- seconds for which tasks run without a pause
local RESCUE_DELAY = 10 -- milliseconds
local SCHEDULE_TIMEOUT = 1 -- seconds until `vim.schedule` is called again: an error may have ended the last call
local YIELD_DELAY = 1 -- millisecond: a timer of 0 set by a timer would run before everything else

local M = {}

M.scheduler = schedulers.new(core.monotonic)

local scheduler = M.scheduler
local timer -- the one timer
local scheduled_at -- monotonic time, while a call by `vim.schedule` is outstanding
local is_suspended = false

--- Sets the timer, which runs the tasks that are ready then.
---@param delay integer milliseconds
---@param interval number? milliseconds, to be repeated
function M.set_timer(delay, interval)
  if not timer or timer:is_closing() then -- a program may close all handles there are
    timer = uv.new_timer()
  end
  timer:start(delay, interval or 0, M.on_event)
end

--- Sets the timer for when the next task is ready or a watcher can be stopped (the loop has no other event for an
--- exchange that was cancelled). The timer keeps a program alive only while it has tasks.
---@param least integer|false|nil milliseconds before which the timer must not fire
function M.schedule_next(least)
  local deadline = fd_watch.has_idle() and -math.huge or scheduler:next_deadline()
  if deadline then
    M.set_timer(math.max(binding.milliseconds(deadline - core.monotonic()), least or 0))
  elseif timer and not timer:is_closing() then
    timer:stop()
  end
end

--- Runs the tasks that are ready, for a time slice.
---@return boolean more some are still ready
function M.run_ready()
  local ends_at = core.monotonic() + TIME_SLICE
  local more, left = true, TIME_SLICE
  while more and left > 0 do
    more = scheduler:step(left)
    left = ends_at - core.monotonic()
  end
  return more
end

local function run_and_schedule()
  scheduled_at = nil
  if timer and not timer:is_closing() then
    M.set_timer(RESCUE_DELAY) -- in case an error (e.g. of Ctrl-C) ends this before the timer is set again
  end
  M.schedule_next(M.run_ready() and YIELD_DELAY)
end

--- Runs the tasks that are ready, or has Neovim run them soon. Called in a callback of the loop.
function M.on_event()
  fd_watch.stop_idle()
  local deadline = scheduler:next_deadline()
  if is_suspended then
    return
  elseif not deadline or deadline > core.monotonic() then
    M.schedule_next()
  elseif not neovim then
    run_and_schedule()
  elseif not scheduled_at or core.monotonic() - scheduled_at > SCHEDULE_TIMEOUT then
    neovim.schedule(run_and_schedule)
    scheduled_at = core.monotonic()
    uv.stop() -- older Neovims would otherwise sleep in the loop before they see what a timer has scheduled
  end
end

--- Sets whether the loop's callbacks leave the tasks alone, because the code that runs the loop runs them in between.
---@param suspended boolean
---@return boolean before
function M.suspend(suspended)
  local before = is_suspended
  is_suspended = suspended
  return before
end

--- Closes the timer.
function M.close()
  if timer and not timer:is_closing() then
    timer:close()
  end
end

return M
