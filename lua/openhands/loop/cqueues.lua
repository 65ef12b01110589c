--- Waiting in cqueues. A client's descriptor is watched by one coroutine of this room's in each controller where
--- somebody waits for that client: so it does not matter which of those who wait, or which controllers, come to an end.
--- Whoever waits sleeps on a condition. Outside of controllers the process waits.

local conditions = require "cqueues.condition"
local core = require "openhands.core"
local cqueues = require "cqueues"
local errors = require "openhands.errors"
local tasks = require "openhands.task"
local yielding = require "openhands.yielding"

local SLICE = 0.1 -- seconds; Ctrl-C is seen after it
local NAP = 0.01 -- seconds between two looks where the system has no descriptor to watch

local M = { name = "cqueues", now = core.monotonic, wall = os.time }

--- One controller's watch over one client.
---@class openhands.Post
---@field waiting integer how many wait here
---@field bell userdata a condition: whoever watches looks whether they are still needed
---@field manned boolean? somebody watches

local posts = setmetatable({}, { __mode = "k" }) -- by client: by controller
local descriptors = setmetatable({}, { __mode = "k" }) -- by client: what controllers watch

local function post_of(client, controller)
  local post = posts[client][controller]
  if not post then
    post = { waiting = 0, bell = conditions.new() }
    posts[client][controller] = post
  end
  return post
end

local function is_needed(client, post)
  return post.waiting > 0 and client:_is_busy()
end

-- Moves the exchanges on while somebody here waits for some.
local function keep_watch(client, post)
  if not client._closed then -- before this coroutine had its turn
    client:_pump(0) -- what has just begun goes out at once
  end
  while is_needed(client, post) do
    local descriptor = client._core:pollfd()
    descriptors[client] = descriptor
    if descriptor then
      cqueues.poll(client._core, post.bell)
    else
      cqueues.poll(post.bell, NAP)
    end
    if not client._closed then
      client:_pump(0)
    end
  end
  post.manned = nil
  M.detach(client) -- a client that is collected takes nothing with it that a controller still knows
end

-- The controller in which the running coroutine may wait: one of its own, or a task. Whoever resumes another one knows
-- nothing of what cqueues gives to its controllers.
local function controller_here()
  local controller, is_its_own = cqueues.running()
  if controller and (is_its_own or tasks.current()) and yielding.is_possible() then
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
  if client:_is_busy() then
    client:_pump(math.min(left, SLICE))
  elseif left < math.huge then
    core.poll({}, math.min(left, SLICE))
  else
    errors.raise "wait: nothing can end this wait outside of a cqueues controller: call it in controller:wrap(...)"
  end
end

--- Returns when there is news for whoever waits for the box, when somebody wakes them, or when the time is over.
---@param client openhands.Client
---@param box table its `done` or `news` turns true
---@param deadline number? by `now`
function M.await(client, box, deadline)
  local controller, left = controller_here(), deadline and deadline - M.now() or math.huge
  if box.done or box.news then
    return
  elseif not controller then
    local refusal = M.refusal()
    if refusal then
      errors.raise("wait: " .. refusal)
    end
    return wait_outside(client, math.max(left, 0))
  end
  local post = post_of(client, controller)
  post.waiting = post.waiting + 1
  if not post.manned and is_needed(client, post) then
    post.manned = true
    controller:wrap(keep_watch, client, post)
  end
  box.bell = box.bell or conditions.new()
  box.bell:wait(left < math.huge and math.max(left, 0) or nil)
  post.waiting = post.waiting - 1
  if post.manned and not is_needed(client, post) then
    post.bell:signal()
  end
end

--- Whoever waits for the box looks at it again.
---@param box table
function M.wake(_, box)
  if box.bell then
    box.bell:signal()
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

function M.attach(client)
  posts[client] = setmetatable({}, { __mode = "k" })
end

function M.detach(client)
  local descriptor = descriptors[client]
  if descriptor then
    descriptors[client] = nil
    cqueues.cancel(descriptor)
  end
end

return M
