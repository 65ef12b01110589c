--- Waiting in plain Lua: the process sleeps in the kernel, in slices short enough for Ctrl-C, and whoever waits outside
--- of a task lets the tasks run meanwhile.

local core = require "openhands.core"
local errors = require "openhands.errors"
local schedulers = require "openhands.task.scheduler"

local SLICE = 0.1 -- seconds; the core never waits longer in one step either

--- A loop of its own.
---@param clock table `now`, `wall` (functions that give seconds) and, where time only passes when somebody sleeps,
--- `sleep` (function of seconds)
---@return openhands.Loop
local function new(clock)
  local loop = { name = "plain", now = clock.now, wall = clock.wall }
  local scheduler = schedulers.new(function()
    return clock.now()
  end)
  local clients = setmetatable({}, { __mode = "k" })

  -- Those whose exchanges have to be moved on.
  local function busy_clients()
    local list, cores = {}, {}
    for client in pairs(clients) do
      if client:_is_busy() then
        list[#list + 1], cores[#cores + 1] = client, client._core
      end
    end
    return list, cores
  end

  local function step(list, seconds)
    for _, client in ipairs(list) do
      client:_pump(seconds)
    end
  end

  local function check_hope(seconds)
    if seconds == math.huge then
      errors.raise "wait: nothing is under way that could end this wait: the tasks wait for one another"
    end
  end

  -- Moves all exchanges on, or passes the time until one of them can be.
  local function pump(seconds)
    local list, cores = busy_clients()
    if #list == 1 then
      return step(list, math.min(seconds, SLICE))
    elseif #list == 0 then
      check_hope(seconds)
    end
    core.poll(cores, math.min(seconds, SLICE))
    step(list, 0)
  end

  -- The same where time only passes when somebody sleeps: exchanges take none.
  local function pass_time(seconds, pending)
    step(busy_clients(), 0)
    local moment = scheduler:next_deadline()
    if seconds > 0 and not (pending.done or pending.news or moment and moment <= clock.now()) then
      check_hope(seconds)
      clock.sleep(seconds)
    end
  end

  --- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline.
  ---@param pending openhands.Pending
  ---@param deadline number? by the clock of the loop
  function loop.await(_, pending, deadline)
    if scheduler:can_park() then
      return scheduler:park(pending, deadline)
    end
    local pass, wakes = clock.sleep and pass_time or pump, pending.wakes
    repeat -- the others have their turns also when there is nothing to wait for
      if scheduler:step() then
        pass(0, pending)
      elseif not (pending.done or pending.news) then
        local until_then = math.min(deadline or math.huge, scheduler:next_deadline() or math.huge)
        pass(math.max(until_then - clock.now(), 0), pending)
      end
    until pending.done or pending.news or pending.wakes ~= wakes or deadline and deadline <= clock.now()
  end

  --- Wakes all that wait for the record.
  ---@param pending openhands.Pending
  function loop.wake(_, pending)
    pending.wakes = (pending.wakes or 0) + 1
    scheduler:wake(pending)
  end

  --- Why nobody may wait here.
  ---@return string?
  function loop.refusal()
    return scheduler:refusal()
  end

  --- Runs a task from the next time on that somebody waits.
  ---@param task openhands.Task
  function loop.spawn(_, task)
    scheduler:spawn(task)
  end

  function loop.attach(client)
    clients[client] = true
  end

  function loop.detach(client)
    clients[client] = nil
  end

  return loop
end

--- The loop by itself, and how another one is made.
---@class openhands.PlainLoop: openhands.Loop
---@field new fun(clock: table): openhands.Loop

---@type openhands.PlainLoop
local M = new { now = core.monotonic, wall = os.time }

M.new = new

return M
