--- Polls a client in nginx, whose coroutines cannot watch a descriptor that nginx has not created. One of the
--- coroutines that wait on a client is the leader: while exchanges are in flight it polls them, with a short sleep
--- between two polls. The others sleep until they are woken. A leader whose wait ends wakes another coroutine to lead.
--- A leader that nginx has killed is replaced when its lease is over.

local liveness = require "openhands.loop.nginx.liveness"
local semaphores = require "ngx.semaphore"

local LEASE = liveness.LEASE -- seconds without a poll after which the leader is taken for dead
local SHORTEST_DELAY, LONGEST_DELAY = 0.001, 0.02 -- seconds between two polls
local LONGEST_WAIT = 1 -- seconds: the coroutine that should wake this one may have been killed

local M = {}

--- A coroutine that waits.
---@class openhands.NginxWaiter
---@field semaphore table on which it sleeps
---@field woken boolean?

--- The coroutines that wait on one client.
---@class openhands.NginxWaitGroup
---@field waiters table<openhands.NginxWaiter, boolean>
---@field leader openhands.NginxWaiter?
---@field polled_at number monotonic time of the last poll
---@field delay number seconds before the next poll; doubles while nothing happens
---@field delayed openhands.NginxWaiter? the leader, while it sleeps before a poll

---@type table<openhands.Client, openhands.NginxWaitGroup>
local groups = setmetatable({}, { __mode = "k" })

-- Creates a set with weak keys: a killed coroutine never removes itself.
local function weak_set()
  return setmetatable({}, { __mode = "k" })
end

--- Prepares the group of a client.
---@param client openhands.Client
function M.attach(client)
  groups[client] = { waiters = weak_set(), polled_at = 0, delay = SHORTEST_DELAY }
end

---@return openhands.NginxWaiter
local function new_waiter()
  return { semaphore = assert(semaphores.new()) }
end

local function sleep(waiter, seconds)
  liveness.sleep(waiter.semaphore, seconds)
end

local function wake(waiter)
  liveness.wake(waiter.semaphore)
end

-- Sleeps and polls as the leader.
local function poll(client, group, waiter, seconds)
  local delay = group.delay
  group.leader, group.polled_at = waiter, client._loop.now()
  group.delay, group.delayed = math.min(2 * delay, LONGEST_DELAY), waiter
  sleep(waiter, math.min(delay, seconds, LEASE))
  group.delayed = nil
  if not client._closed then
    liveness.cancel_abandoned(client)
    group.polled_at = client._loop.now()
    client:_pump(0)
    if client:_is_reading() then -- goes on soon with a long answer
      group.delay = SHORTEST_DELAY
    end
  end
end

local function sleep_or_poll(client, group, waiter, seconds)
  if not client:_is_busy() then
    if group.leader == waiter then -- it does not poll while it sleeps: the next sender of a request leads
      group.leader = nil
    end
    sleep(waiter, seconds)
  elseif group.leader and group.leader ~= waiter and client._loop.now() - group.polled_at < LEASE then
    sleep(waiter, math.min(seconds, LEASE))
  else
    poll(client, group, waiter, seconds)
  end
end

-- Leaves the group. If a new leader is needed, wakes another waiter. Passes over a waiter that is already woken: it is
-- about to leave too, and then does the same.
local function leave(client, group, waiter)
  group.waiters[waiter] = nil
  if group.leader == waiter then
    group.leader = nil
  end
  if group.leader or not client:_is_busy() then
    return
  end
  for other in pairs(group.waiters) do
    if not other.woken then
      return wake(other)
    end
  end
end

-- Sends a new request now, and polls it soon. The response may be there at once, but even a caller that sends one
-- request after the other must yield.
local function send(client, group, pending)
  pending.has_begun, group.delay = true, SHORTEST_DELAY
  if group.delayed then
    return wake(group.delayed)
  end
  client:_pump(0)
  if pending.done then
    sleep(new_waiter(), 0)
  end
end

--- Waits as a loop's `await`, for a second at most.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? monotonic time
function M.await(client, pending, deadline)
  local group, now = groups[client], client._loop.now
  local ends_at = math.min(deadline or math.huge, now() + LONGEST_WAIT)
  if pending.number and not pending.has_begun and not client._closed then
    send(client, group, pending)
  end
  local waiter = new_waiter()
  group.waiters[waiter] = true
  local waiters = pending.waiters or weak_set()
  pending.waiters, waiters[waiter] = waiters, true
  while not (pending.done or pending.news or waiter.woken) do
    sleep_or_poll(client, group, waiter, ends_at - now()) -- once at least, so that other coroutines can run
    if ends_at <= now() then
      break
    end
  end
  waiters[waiter] = nil
  leave(client, group, waiter)
end

--- Wakes the waiters of `pending`, as a loop's `wake`.
---@param client openhands.Client
---@param pending openhands.Pending
function M.wake(client, pending)
  groups[client].delay = SHORTEST_DELAY
  for waiter in pairs(pending.waiters or {}) do
    waiter.woken = true
    wake(waiter)
  end
end

return M
