--- Waits outside tasks: blocks the caller, while Neovim goes on or the program's luv loop is run.

local binding = require "openhands.loop.uv.binding"
local core = require "openhands.core"
local schedulers = require "openhands.task.scheduler"
local task_runner = require "openhands.loop.uv.task_runner"

local neovim, uv = binding.neovim, binding.uv

local CHECK_INTERVAL = 20 -- milliseconds: older Neovims may sleep that long in the loop although something has happened
local LONGEST_SLEEP = 0.1 -- seconds: Ctrl-C is noticed after it

local M = {}

local is_running = false -- whether we run the loop: an old luv cannot be asked

local function wait_in_neovim(is_over, deadline)
  task_runner.schedule_next() -- if a task waits here, the code that runs tasks sets the timer only after this wait
  repeat -- at least once, so that other tasks can run
    local left = math.min(deadline and deadline - core.monotonic() or math.huge, 1)
    local _, problem = neovim.wait(binding.milliseconds(left), is_over, CHECK_INTERVAL)
    if problem == -2 then
      error("interrupted", 0)
    end
  until is_over() or deadline and deadline <= core.monotonic()
end

local function run(mode)
  local was_running = is_running
  is_running = true
  uv.run(mode)
  is_running = was_running
end

local function sleep_in_loop(deadline)
  task_runner.schedule_next()
  if not deadline and not uv.loop_alive() then
    schedulers.raise_deadlock()
  end
  local wake_at = math.min(deadline or math.huge, task_runner.scheduler:next_deadline() or math.huge)
  local left = wake_at - core.monotonic()
  if left <= 0 then
    return run "nowait"
  end
  -- A libuv before 1.45 runs due timers before it sleeps: so the timer must count from now on, and repeat.
  uv.update_time()
  task_runner.set_timer(binding.milliseconds(math.min(left, LONGEST_SLEEP)), LONGEST_SLEEP * 1000)
  run "once"
end

-- Runs the loop and the tasks alternately. The tasks run outside the loop's callbacks, so that a task can itself wait
-- here.
local function run_loop(is_over, deadline)
  repeat -- at least once, so that other tasks can run
    if task_runner.run_ready() then
      run "nowait"
    elseif not is_over() then
      sleep_in_loop(deadline)
    end
  until is_over() or deadline and deadline <= core.monotonic()
end

-- Calls a function while the loop's callbacks run no tasks. Ctrl-C may raise an error anywhere in it.
local function with_tasks_suspended(run_it, ...)
  local before, was_running = task_runner.suspend(true), is_running
  local good, problem = pcall(run_it, ...)
  task_runner.suspend(before)
  is_running = was_running
  task_runner.schedule_next()
  if not good then
    error(problem, 0)
  end
end

--- Returns whether the running code is a callback of luv's loop.
---@return boolean
function M.is_in_callback()
  return is_running or uv.loop_mode ~= nil and uv.loop_mode() ~= nil
end

--- Blocks until something is over, or until the deadline.
---@param is_over fun(): boolean
---@param deadline number? monotonic time
function M.wait(is_over, deadline)
  if neovim then
    return wait_in_neovim(is_over, deadline)
  end
  with_tasks_suspended(run_loop, is_over, deadline)
end

--- Lets the loop finish closing handles: luv crashes in a program that ends before that. Callbacks of the program that
--- are due run too.
function M.flush()
  if not neovim and not M.is_in_callback() then
    with_tasks_suspended(run, "nowait")
  end
end

return M
