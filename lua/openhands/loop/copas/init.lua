--- Waits in copas, old and new: a thread that waits is suspended until it is woken, while another thread watches the
--- client's descriptor.

local copas = require "copas"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local deadlines = require "openhands.loop.copas.deadlines"
local errors = require "openhands.errors"
local fd_watch = require "openhands.loop.copas.fd_watch"
local selectable = require "openhands.loop.copas.selectable"
local tasks = require "openhands.task"

local LONGEST_STEP = 0.1 -- seconds, outside threads: Ctrl-C is noticed after it

-- If a coroutine cannot yield across Lua's own xpcall, coxpcall is used, which copas brings. It runs its function in a
-- new coroutine.
local protected, parent_of = xpcall, nil
if not coroutine.wrap(function()
  return pcall(coroutine.yield, true)
end)() then
  protected, parent_of = require("coxpcall").xpcall, require("coxpcall").running
end

local M = { name = "copas", now = core.monotonic, wall = os.time, attach = fd_watch.attach, detach = fd_watch.wake }

local function is_in_thread()
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main
end

--- Returns why waiting is impossible here.
---@return string?
function M.refusal()
  if is_in_thread() and not coroutines.can_yield() then
    return "waiting is not possible inside a C function, such as table.sort, or pcall of Lua 5.1: call it from the "
      .. "thread itself"
  elseif is_in_thread() and tasks.is_inside_nested_coroutine(parent_of) then
    return "copas knows only coroutines that it has created itself, not one created by a task: call it from the "
      .. "function that the task runs"
  end
end

local function wait_in_thread(pending, deadline)
  local waiter = selectable.new()
  local waiters = pending.waiters or {} -- a record may have weak values: this coroutine keeps the set
  pending.waiters, waiters[waiter] = waiters, true
  waiter.woken = pending.done or pending.news -- perhaps already: older copas runs a new watching thread at once
  if deadline then
    deadlines.wake_at(waiter, deadline) -- may wake it at once, for the same reason
  end
  waiter:wait()
  waiters[waiter] = nil
  deadlines.wake(waiter)
end

--- Waits until the record is `done` or has `news`, until its waiters are woken, or until the deadline.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  local left = deadline and deadline - M.now() or math.huge
  if pending.done or pending.news then
    return
  end
  local refusal = M.refusal()
  if refusal then
    errors.raise("wait: " .. refusal)
  end
  fd_watch.start(client)
  if is_in_thread() then
    wait_in_thread(pending, deadline)
  else
    copas.step(math.max(math.min(left, LONGEST_STEP), 0))
  end
end

--- Wakes all coroutines that wait for the record.
---@param client openhands.Client
---@param pending openhands.Pending
function M.wake(client, pending)
  for waiter in pairs(pending.waiters or {}) do
    deadlines.wake(waiter)
  end
  if not client:_is_busy() then
    fd_watch.wake(client)
  end
end

--- Runs a task as a thread of copas.
---@param task openhands.Task
function M.spawn(_, task)
  local start = selectable.new()
  start.woken = true
  copas.addthread(function()
    start:wait() -- older copas starts a thread at once, but the spawner must go on first
    task:run_in_place(protected) -- not `carry`: copas knows a thread by its coroutine
  end)
end

return M
