--- Waits in cqueues: a coroutine that waits sleeps on a condition variable, while another one watches the client's
--- descriptor. Outside controllers the whole process waits.

local conditions = require "cqueues.condition"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local cqueues = require "cqueues"
local errors = require "openhands.errors"
local fd_watch = require "openhands.loop.cqueues.fd_watch"
local tasks = require "openhands.task"

local LONGEST_STEP = 0.1 -- seconds, outside controllers: Ctrl-C is noticed after it

local M = {
  name = "cqueues",
  now = core.monotonic,
  wall = os.time,
  attach = fd_watch.attach,
  detach = fd_watch.detach,
}

-- Returns the controller in which the running coroutine can wait. The coroutine must be one of the controller's own, or
-- a task: the values that any other coroutine yields go to its resumer, which does not expect them.
local function controller_here()
  local controller, is_its_own = cqueues.running()
  if controller and (is_its_own or tasks.current()) and coroutines.can_yield() then
    return controller
  end
end

--- Returns why waiting is impossible here. Code in a controller that cannot yield must not wait: the whole process
--- would sleep, with everything that the controller runs.
---@return string?
function M.refusal()
  if cqueues.running() and not controller_here() then
    return "waiting is not possible inside a C function, such as table.sort, or pcall of Lua 5.1, nor inside a "
      .. "coroutine of your own: call it from the function that the cqueues controller or the task runs"
  end
end

-- Sleeps with the whole process and steps the client's exchanges.
local function wait_outside(client, left)
  local refusal = M.refusal()
  if refusal then
    errors.raise("wait: " .. refusal)
  elseif client:_is_busy() then
    client:_pump(math.min(left, LONGEST_STEP))
  elseif left < math.huge then
    core.poll({}, math.min(left, LONGEST_STEP))
  else
    errors.raise "wait: nothing can end this wait outside a cqueues controller: call it in controller:wrap(...)"
  end
end

--- Waits until the record is `done` or has `news`, until its waiters are woken, or until the deadline.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  local controller, left = controller_here(), deadline and deadline - M.now() or math.huge
  if pending.done or pending.news then
    return
  elseif not controller then
    return wait_outside(client, math.max(left, 0))
  end
  local watch = fd_watch.enter(client, controller)
  pending.condition = pending.condition or conditions.new()
  pending.condition:wait(left < math.huge and math.max(left, 0) or nil)
  fd_watch.leave(client, watch)
end

--- Wakes all coroutines that wait for the record.
---@param pending openhands.Pending
function M.wake(_, pending)
  if pending.condition then
    pending.condition:signal()
  end
end

--- Runs a task as a coroutine of the running controller.
---@param task openhands.Task
function M.spawn(_, task)
  local controller = cqueues.running()
  if not controller then
    errors.raise "spawn: no cqueues controller is running that could run the task: call it in controller:wrap(...)"
  end
  controller:wrap(task.carry, task)
end

return M
