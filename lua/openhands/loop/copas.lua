--- Waiting in copas, old and new. Its threads wait for what LuaSocket's `select` takes, and that takes any object with
--- the methods below: one for each thread that waits, one for each client with something in flight, and one for the
--- time, since not every copas has timers.

local agendas = require "openhands.agenda"
local copas = require "copas"
local core = require "openhands.core"
local errors = require "openhands.errors"
local socket = require "socket"

local SLICE = 0.1 -- seconds; Ctrl-C is seen after it outside of threads
local NAP = 0.01 -- seconds that the process sleeps at a time where `select` cannot watch what it should
local MOST = socket._SETSIZE or 1024 -- descriptors below it are for `select`

-- Where Lua's own lets nobody wait, copas brings another.
local protected = xpcall
if not coroutine.wrap(function()
  return pcall(coroutine.yield, true)
end)() then
  protected = require("coxpcall").xpcall
end

local M = { name = "copas", now = core.monotonic, wall = os.time }

-- ---- what copas waits for ----------------------------------------------------------------------------------------

--- What one thread waits for.
---@class openhands.Selectable: openhands.Item
---@field woken boolean? its thread has its turn next
---@field blind boolean? `select` cannot watch its descriptor: its thread has its turn always
---@field descriptor (fun(): integer?)? what to watch
---@field box table? what whoever sleeps on it waits for
---@field running boolean? a thread of this room's watches it
local methods = {}
local Selectable = { __index = methods }

-- Copas asks before it waits, and again when `select` has named the object.
function methods:receive()
  self.asked = not self.asked
  if self.asked then
    return nil, "timeout"
  end
  self.woken = nil
  return true
end

function methods:dirty()
  return self.woken or self.blind
end

-- Only what has a descriptor is asked whether it is dirty, and the descriptor of what is dirty is not looked at.
function methods:getfd()
  if self.woken or self.blind then
    return 0
  end
  return self.descriptor and self.descriptor() or -1
end

-- Copas closes what a thread that has ended waited for last.
function methods:close()
  self.running = nil
end

local function keep_watch(watch, turn)
  while turn() do
    copas.receive(watch)
  end
  watch.running = nil
end

local function watch_over(watch, turn)
  if not watch.running then
    watch.running, watch.asked, watch.woken = true, nil, nil
    copas.addthread(function()
      keep_watch(watch, turn)
    end)
  end
end

-- ---- the time ----------------------------------------------------------------------------------------------------

local agenda = agendas.new()
local clock = setmetatable({}, Selectable)

function clock.descriptor()
  return clock.number
end

local function set_alarm()
  local first = agenda:first()
  clock.core:alarm(first and math.max(first.at - M.now(), 0))
  return first ~= nil
end

-- Wakes those whose time is over.
local function look_at_time()
  clock.core:step(0)
  if clock.blind then
    core.poll({}, NAP)
  end
  local first = agenda:first()
  while first and first.at <= M.now() do
    agenda:remove(first)
    first.woken = true
    first = agenda:first()
  end
  return set_alarm()
end

local function put_down(waiter, deadline)
  if not clock.core or clock.core:is_inherited() then
    clock.core = core.new { base_url = "http://127.0.0.1" } -- where nothing is sent: it only has an alarm
    clock.number = clock.core:pollfd()
    clock.blind = not clock.number or clock.number >= MOST
  end
  waiter.at = deadline
  agenda:add(waiter)
  set_alarm()
  watch_over(clock, look_at_time)
end

local function wake(waiter)
  waiter.woken = true
  if waiter.place then
    agenda:remove(waiter)
    clock.woken = clock.woken or not set_alarm()
  end
end

-- ---- the clients -------------------------------------------------------------------------------------------------

local watches = setmetatable({}, { __mode = "k" }) -- by client

local function is_busy(client)
  return client and not client._closed and client._core:in_flight() > 0
end

local function move_on(client, blind)
  if client and not client._closed then
    client:_pump(blind and NAP or 0)
  end
  return is_busy(client)
end

-- A client that nobody holds any more is not held by whoever watches over it.
function M.attach(client)
  local held = setmetatable({ client }, { __mode = "v" })
  local watch = setmetatable({}, Selectable)
  function watch.descriptor()
    return is_busy(held[1]) and watch.number
  end
  function watch.turn()
    return move_on(held[1], watch.blind)
  end
  watches[client] = watch
end

function M.detach(client)
  watches[client].woken = true
end

local function watch_client(client)
  local watch = watches[client]
  if is_busy(client) and not watch.running then
    watch.number = client._core:pollfd()
    watch.blind = not watch.number or watch.number >= MOST
    watch_over(watch, watch.turn)
  end
end

-- ---- the loop ----------------------------------------------------------------------------------------------------

local function is_thread()
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main
end

--- Why nobody may wait here.
---@return string?
function M.refusal()
  if is_thread() and coroutine.isyieldable and not coroutine.isyieldable() then
    return "copas lets nothing wait inside of a C function, such as table.sort: call it from the thread itself"
  end
end

--- Returns when there is news for whoever waits for the box, when somebody wakes them, or when the time is over.
---@param client openhands.Client
---@param box table its `done` or `news` turns true
---@param deadline number? by `now`
function M.await(client, box, deadline)
  local left = deadline and deadline - M.now() or math.huge
  if box.done or box.news or left <= 0 then
    return
  end
  local refusal = M.refusal()
  if refusal then
    errors.raise("wait: " .. refusal)
  end
  watch_client(client)
  if not is_thread() then
    copas.step(math.min(left, SLICE))
    return
  end
  local waiter = setmetatable({}, Selectable)
  box.waiters = box.waiters or {}
  box.waiters[waiter] = true
  if deadline then
    put_down(waiter, deadline)
  end
  waiter.woken = box.done or box.news -- where a thread of copas' begins at once
  copas.receive(waiter)
  box.waiters[waiter] = nil
  wake(waiter)
end

--- Whoever waits for the box looks at it again.
---@param client openhands.Client
---@param box table
function M.wake(client, box)
  for waiter in pairs(box.waiters or {}) do
    wake(waiter)
  end
  if not is_busy(client) then
    watches[client].woken = true
  end
end

--- Runs a task as a thread of copas'.
---@param task openhands.Task
function M.spawn(_, task)
  copas.addthread(function()
    copas.receive(setmetatable({ woken = true }, Selectable)) -- whoever spawns it goes on first
    task:run(protected) -- not `carry`: copas knows a thread by its coroutine
  end)
end

return M
