--- Watches the descriptors of clients in cqueues: in each controller in which coroutines wait on a client, one
--- coroutine watches that client's descriptor and steps its exchanges. So any waiter, or any controller, may end.

local conditions = require "cqueues.condition"
local cqueues = require "cqueues"

local POLL_INTERVAL = 0.01 -- seconds between two steps where the system has no descriptor to watch

local M = {}

--- One controller's watch on one client.
---@class openhands.CqueuesWatch
---@field waiting integer number of coroutines that wait here
---@field changed userdata a condition; signalled so that the watcher checks whether it is still needed
---@field watcher thread|true|nil the coroutine that watches; true: it has not started yet

local watches = setmetatable({}, { __mode = "k" }) -- by client, then by controller
local descriptors = setmetatable({}, { __mode = "k" }) -- by client: the descriptors that controllers watch

--- Prepares the watches of a client.
---@param client openhands.Client
function M.attach(client)
  watches[client] = setmetatable({}, { __mode = "k" })
end

--- Makes all controllers forget the client's descriptor.
---@param client openhands.Client
function M.detach(client)
  local descriptor = descriptors[client]
  if descriptor then
    descriptors[client] = nil
    cqueues.cancel(descriptor)
  end
end

local function is_needed(client, watch)
  return watch.waiting > 0 and client:_is_busy()
end

local run_watcher

-- The controller reports an error that ends the watcher; another coroutine goes on watching.
local function pump(client, controller, watch)
  local good, problem = client:_try_pump(0)
  if not good then
    watch.watcher = nil
    M.start(client, controller, watch)
    error(problem, 0)
  end
end

-- Steps the exchanges as long as coroutines wait here.
function run_watcher(client, controller, watch)
  watch.watcher = coroutine.running()
  pump(client, controller, watch) -- sends what is new
  while is_needed(client, watch) do
    local descriptor = client._core:pollfd()
    descriptors[client] = descriptor
    if descriptor then
      cqueues.poll(client._core, watch.changed)
    else
      cqueues.poll(watch.changed, POLL_INTERVAL)
    end
    pump(client, controller, watch)
  end
  watch.watcher = nil
  M.detach(client) -- a controller must not still know the descriptor when the client is collected
end

local function is_watched(watch)
  return watch.watcher == true or watch.watcher and coroutine.status(watch.watcher) ~= "dead"
end

--- Starts the watcher, if one is needed and none is there.
---@param client openhands.Client
---@param controller userdata
---@param watch openhands.CqueuesWatch
function M.start(client, controller, watch)
  if is_needed(client, watch) and not is_watched(watch) then
    controller:wrap(run_watcher, client, controller, watch)
    watch.watcher = true
  end
end

--- Notes that a coroutine of the controller waits on the client, until `leave`.
---@param client openhands.Client
---@param controller userdata
---@return openhands.CqueuesWatch
function M.enter(client, controller)
  local watch = watches[client][controller]
  if not watch then
    watch = { waiting = 0, changed = conditions.new() }
    watches[client][controller] = watch
  end
  watch.waiting = watch.waiting + 1
  M.start(client, controller, watch)
  return watch
end

--- Notes that a coroutine no longer waits on the client.
---@param client openhands.Client
---@param watch openhands.CqueuesWatch
function M.leave(client, watch)
  watch.waiting = watch.waiting - 1
  if is_watched(watch) and not is_needed(client, watch) then
    watch.changed:signal()
  end
end

return M
