--- Waiting in copas, old and new: whoever waits is a thread that waits for something of its own, while another one
--- watches the client's descriptor.

local clock = require "openhands.loop.copas.deadlines"
local copas = require "copas"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local selectable = require "openhands.loop.copas.selectable"
local tasks = require "openhands.task"
local watches = require "openhands.loop.copas.fd_watch"

local SLICE = 0.1 -- seconds; Ctrl-C is seen after it outside of threads

-- Where Lua's own lets nobody wait, copas brings another, which makes coroutines.
local protected, begun_by = xpcall, nil
if not coroutine.wrap(function()
  return pcall(coroutine.yield, true)
end)() then
  protected, begun_by = require("coxpcall").xpcall, require("coxpcall").running
end

local M = { name = "copas", now = core.monotonic, wall = os.time, attach = watches.attach, detach = watches.wake }

local function is_thread()
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main
end

--- Why nobody may wait here.
---@return string?
function M.refusal()
  if is_thread() and not coroutines.can_yield() then
    return "copas lets nothing wait inside of a C function, such as table.sort, or pcall of Lua 5.1: call it from the "
      .. "thread itself"
  elseif is_thread() and tasks.is_inside_nested_coroutine(begun_by) then
    return "copas knows only coroutines that it has begun itself, not one that a task has made: call it from the "
      .. "function that the task runs"
  end
end

local function wait_in_thread(pending, deadline)
  local waiter = selectable.new()
  pending.waiters = pending.waiters or {}
  pending.waiters[waiter] = true
  waiter.woken = pending.done or pending.news -- where a thread of copas' begins at once
  if deadline then
    clock.put_down(waiter, deadline) -- may wake it here and now, for the same reason
  end
  waiter:wait()
  pending.waiters[waiter] = nil
  clock.wake(waiter)
end

--- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline.
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
  watches.over(client)
  if is_thread() then
    wait_in_thread(pending, deadline)
  else
    copas.step(math.max(math.min(left, SLICE), 0))
  end
end

--- Wakes all that wait for the record.
---@param client openhands.Client
---@param pending openhands.Pending
function M.wake(client, pending)
  for waiter in pairs(pending.waiters or {}) do
    clock.wake(waiter)
  end
  if not client:_is_busy() then
    watches.wake(client)
  end
end

--- Runs a task as a thread of copas'.
---@param task openhands.Task
function M.spawn(_, task)
  local turn = selectable.new()
  turn.woken = true
  copas.addthread(function()
    turn:wait() -- whoever spawns it goes on first
    task:run_in_place(protected) -- not `carry`: copas knows a thread by its coroutine
  end)
end

return M
