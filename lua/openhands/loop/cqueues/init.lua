--- Waiting in cqueues: whoever waits sleeps on a condition, while another coroutine watches the client's descriptor.
--- Outside of controllers the process waits.

local conditions = require "cqueues.condition"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local cqueues = require "cqueues"
local errors = require "openhands.errors"
local posts = require "openhands.loop.cqueues.fd_watch"
local tasks = require "openhands.task"

local SLICE = 0.1 -- seconds; Ctrl-C is seen after it

local M = { name = "cqueues", now = core.monotonic, wall = os.time, attach = posts.attach, detach = posts.detach }

-- The controller in which the running coroutine may wait: one of its own, or a task. Whoever resumes another one knows
-- nothing of what cqueues gives to its controllers.
local function controller_here()
  local controller, is_its_own = cqueues.running()
  if controller and (is_its_own or tasks.current()) and coroutines.can_yield() then
    return controller
  end
end

--- Why nobody may wait here: in a controller, where the process would have to sleep with all that it runs.
---@return string?
function M.refusal()
  if cqueues.running() and not controller_here() then
    return "cqueues lets nothing wait inside of a C function, such as table.sort, or pcall of Lua 5.1, nor inside of a "
      .. "coroutine of your own: call it from the function that the controller or the task runs"
  end
end

-- What is in flight moves on, and the process sleeps meanwhile.
local function wait_outside(client, left)
  local refusal = M.refusal()
  if refusal then
    errors.raise("wait: " .. refusal)
  elseif client:_is_busy() then
    client:_pump(math.min(left, SLICE))
  elseif left < math.huge then
    core.poll({}, math.min(left, SLICE))
  else
    errors.raise "wait: nothing can end this wait outside of a cqueues controller: call it in controller:wrap(...)"
  end
end

--- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline.
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
  local post = posts.enter(client, controller)
  pending.bell = pending.bell or conditions.new()
  pending.bell:wait(left < math.huge and math.max(left, 0) or nil)
  posts.leave(client, post)
end

--- Wakes all that wait for the record.
---@param pending openhands.Pending
function M.wake(_, pending)
  if pending.bell then
    pending.bell:signal()
  end
end

--- Runs a task as a coroutine of the controller that runs.
---@param task openhands.Task
function M.spawn(_, task)
  local controller = cqueues.running()
  if not controller then
    errors.raise "spawn: outside of a cqueues controller nobody would run the task: call it in controller:wrap(...)"
  end
  controller:wrap(task.carry, task)
end

return M
