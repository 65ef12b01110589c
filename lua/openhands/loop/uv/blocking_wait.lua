--- Waiting outside of tasks: Neovim goes on meanwhile, and a program on luv runs its loop.

local core = require "openhands.core"
local errors = require "openhands.errors"
local library = require "openhands.loop.uv.binding"
local turns = require "openhands.loop.uv.task_runner"

local neovim, uv = library.neovim, library.uv

local TICK = 20 -- milliseconds; older Neovims may sleep so long in the loop although something has come
local SLICE = 0.1 -- seconds that a wait sleeps at most, so that Ctrl-C is seen

local M = {}

local is_running = false -- the loop, by one of us: an old luv does not tell by itself

local function wait_in_neovim(is_over, deadline)
  turns.set_alarm_for_tasks() -- a task that waits here holds up whoever else would set it
  repeat -- the others have their turns also when there is nothing to wait for
    local left = math.min(deadline and deadline - core.monotonic() or math.huge, 1)
    local _, problem = neovim.wait(library.milliseconds(left), is_over, TICK)
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
  turns.set_alarm_for_tasks()
  if not deadline and not uv.loop_alive() then
    errors.raise "wait: nothing is under way that could end this wait: the tasks wait for one another"
  end
  local moment = math.min(deadline or math.huge, turns.scheduler:next_deadline() or math.huge)
  local left = moment - core.monotonic()
  if left <= 0 then
    return run "nowait"
  end
  -- A libuv before 1.45 runs what is due before it sleeps: the alarm must be counted from now on, and come again.
  uv.update_time()
  turns.set_alarm(library.milliseconds(math.min(left, SLICE)), SLICE * 1000)
  run "once"
end

-- Runs the loop and the tasks by turns: outside of the loop's callbacks, so that a task may do the same.
local function run_loop(is_over, deadline)
  repeat -- the others have their turns also when there is nothing to wait for
    if turns.run() then
      run "nowait"
    elseif not is_over() then
      sleep_in_loop(deadline)
    end
  until is_over() or deadline and deadline <= core.monotonic()
end

-- Calls a function while the loop's callbacks give no turns; Ctrl-C may raise an error anywhere.
local function between_turns(act, ...)
  local before, was_running = turns.suspend(true), is_running
  local good, problem = pcall(act, ...)
  turns.suspend(before)
  is_running = was_running
  turns.set_alarm_for_tasks()
  if not good then
    error(problem, 0)
  end
end

--- Whether the running code is a callback of luv's loop.
---@return boolean
function M.is_in_callback()
  return is_running or uv.loop_mode ~= nil and uv.loop_mode() ~= nil
end

--- Returns when something is over, or its time is.
---@param is_over fun(): boolean
---@param deadline number? monotonic moment
function M.wait(is_over, deadline)
  if neovim then
    return wait_in_neovim(is_over, deadline)
  end
  between_turns(run_loop, is_over, deadline)
end

--- Lets the loop close what is being closed: luv crashes where a program ends before that. The program's callbacks that
--- are due run too.
function M.flush()
  if not neovim and not M.is_in_callback() then
    between_turns(run, "nowait")
  end
end

return M
