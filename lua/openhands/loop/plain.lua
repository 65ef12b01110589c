--- Waits in plain Lua: the process sleeps in the kernel, in slices short enough for Ctrl-C. A wait outside of tasks
--- lets the tasks run meanwhile.

local core = require "openhands.core"
local deferred = require "openhands.deferred"
local schedulers = deferred.module "openhands.task.scheduler"

local SLICE = 0.1 -- seconds; the core never waits longer in one step either

--- Creates a loop.
---@param clock table `now`, `wall` (functions that return seconds). A virtual clock also has `sleep` (a function that
--- takes seconds), and moves on only in calls of it
---@return openhands.Loop
local function new(clock)
  local now = clock.now
  local loop = { name = "plain", now = now, wall = clock.wall, is_alone = not clock.sleep }
  local scheduler ---@type openhands.Scheduler? from the first task on
  local clients = setmetatable({}, { __mode = "k" })

  -- Returns the clients whose exchanges have to be moved on, and their handles.
  local function busy_clients()
    local list, handles = {}, {}
    for client in pairs(clients) do
      if client:_is_busy() then
        list[#list + 1], handles[#handles + 1] = client, client._core
      end
    end
    return list, handles
  end

  local function pump_all(list, seconds)
    for _, client in ipairs(list) do
      client:_pump(seconds)
    end
  end

  -- Raises for a wait that has no deadline, when nothing is under way that could end it.
  local function raise_if_endless(seconds)
    if seconds == math.huge then
      schedulers.raise_deadlock()
    end
  end

  -- Moves all exchanges on, or sleeps until one of them can be moved on.
  local function pass_real_time(seconds)
    local list, handles = busy_clients()
    if #list == 1 then
      return pump_all(list, math.min(seconds, SLICE))
    elseif #list == 0 then
      raise_if_endless(seconds)
    end
    core.poll(handles, math.min(seconds, SLICE))
    pump_all(list, 0)
  end

  -- Does the same with a virtual clock, which moves on only in `clock.sleep`; exchanges take no time by it.
  local function pass_virtual_time(seconds, pending)
    local list = busy_clients()
    pump_all(list, 0)
    for _, client in ipairs(list) do
      if client:_is_reading() then
        return
      end
    end
    local moment = scheduler and scheduler:next_deadline()
    if seconds > 0 and not (pending.done or pending.news or moment and moment <= now()) then
      raise_if_endless(seconds)
      clock.sleep(seconds)
    end
  end

  --- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline; for an exchange
  --- perhaps earlier.
  ---@param client openhands.Client
  ---@param pending openhands.Pending
  ---@param deadline number? by the clock of the loop
  function loop.await(client, pending, deadline)
    local has_tasks = scheduler ~= nil
    local entry = has_tasks and scheduler:parkable()
    if entry then
      return scheduler:park(entry, pending, deadline)
    elseif not has_tasks and pending.number then -- nothing else can happen meanwhile
      local seconds = deadline and math.min(math.max(deadline - now(), 0), SLICE) or SLICE
      return client:_pump(clock.sleep and 0 or seconds)
    end
    local pass_time, wakes = clock.sleep and pass_virtual_time or pass_real_time, pending.wakes
    repeat -- other tasks run also when there is nothing to wait for
      if has_tasks and scheduler:step() then
        pass_time(0, pending)
      elseif not (pending.done or pending.news) then
        ---@type number
        local moment = has_tasks and scheduler:next_deadline() or math.huge
        pass_time(math.max(math.min(deadline or math.huge, moment) - now(), 0), pending)
      end
      has_tasks = scheduler ~= nil
    until pending.done or pending.news or pending.wakes ~= wakes or deadline and deadline <= now()
  end

  --- Makes every `await` of the record return.
  ---@param pending openhands.Pending
  function loop.wake(_, pending)
    if not pending.done then -- that alone ends every `await`
      pending.wakes = (pending.wakes or 0) + 1
    end
    if scheduler then
      scheduler:wake(pending)
    end
  end

  -- Becomes `loop.refusal` when the first task is spawned: until then, waiting is always possible.
  local function refusal()
    return scheduler:refusal()
  end

  --- Adds a task. A wait that cannot yield, e.g. one outside of tasks, starts it.
  ---@param task openhands.Task
  function loop.spawn(_, task)
    scheduler = scheduler or schedulers.new(now)
    loop.refusal, loop.is_alone = refusal, false
    scheduler:spawn(task)
  end

  --- Adds a client, whose exchanges the loop advances.
  ---@param client openhands.Client
  function loop.attach(client)
    clients[client] = true
  end

  --- Releases a client that is about to close.
  ---@param client openhands.Client
  function loop.detach(client)
    clients[client] = nil
  end

  return loop
end

--- The loop of real time, and a function that creates loops for transports.
---@class openhands.PlainLoop: openhands.Loop
---@field of_transport fun(transport: table): openhands.Loop

---@type openhands.PlainLoop
local M = new { now = core.monotonic, wall = os.time }

-- The loop of each transport: clients that share a transport share its time and run each other's tasks. Weak keys
-- and values: the clients own the loop, which refers to the transport.
---@type table<table, openhands.Loop?>
local loops = setmetatable({}, { __mode = "kv" })

--- Returns the loop of clients whose exchanges a transport carries. It uses the transport's clock, if there is one.
---@param transport table
---@return openhands.Loop
function M.of_transport(transport)
  local loop = loops[transport]
  if not loop then
    loop = new {
      now = transport.now or M.now,
      wall = transport.wall and function()
        return transport.wall()
      end or M.wall,
      sleep = transport.sleep and function(seconds)
        transport.sleep(seconds)
      end,
    }
    loops[transport] = loop
  end
  return loop
end

return M
