--- Waiting in hosts that run many coroutines of their own: of those who wait on one client, one looks out for all. It
--- watches the client's descriptor, or looks again and again, and moves the exchanges on; the others sleep until they
--- are woken. Who has what they waited for hands the watch over.
---
--- A host is a table of functions:
---   waiter(client)         something that one coroutine can sleep on: a table, in which this room keeps its own fields
---   sleep(waiter, seconds) sleeps until `wake(waiter)`, or the time is over (math.huge: only until then)
---   wake(waiter)           may be called by anybody; sleeping on it next returns at once then
---   look(client, waiter, seconds) sleeps until the client may want a step, until `wake(waiter)` where the host can,
---                          or the time is over
---   lease                  seconds after which a lookout that has not looked is taken for dead (math.huge: none dies)

local M = {}

--- Those who wait on one client.
---@class openhands.Crew
---@field waiters table<table, boolean>
---@field lookout table? the waiter that looks out
---@field looked_at number monotonic moment of its last look

local crews = setmetatable({}, { __mode = "k" }) -- by client

-- A coroutine that its host has killed never leaves.
local function set_of_living()
  return setmetatable({}, { __mode = "k" })
end

local function crew_of(client)
  local crew = crews[client]
  if not crew then
    crew = { waiters = set_of_living() }
    crews[client] = crew
  end
  return crew
end

-- One sleep, or one look, of somebody who waits.
local function rest(host, client, crew, waiter, seconds)
  local now = client._loop.now()
  if not client:_is_busy() then
    if crew.lookout == waiter then -- it will not look while it sleeps; whoever begins something does
      crew.lookout = nil
    end
    return host.sleep(waiter, seconds)
  elseif crew.lookout and crew.lookout ~= waiter and now - crew.looked_at < host.lease then
    return host.sleep(waiter, math.min(seconds, host.lease))
  end
  crew.lookout, crew.looked_at = waiter, now
  host.look(client, waiter, math.min(seconds, host.lease))
  if not client._closed then
    crew.looked_at = client._loop.now()
    client:_pump(0)
  end
end

-- Leaves the crew; if somebody is needed to look out, it is somebody else's turn. Who is woken already is about to
-- leave too, and then sees to it in the same way.
local function leave(host, client, crew, waiter)
  crew.waiters[waiter] = nil
  if crew.lookout == waiter then
    crew.lookout = nil
  end
  if crew.lookout or not client:_is_busy() then
    return
  end
  for other in pairs(crew.waiters) do
    if not other.woken then
      return host.wake(other)
    end
  end
end

--- As a loop's `await`.
---@param host table
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? monotonic moment
function M.await(host, client, pending, deadline)
  local crew, waiter = crew_of(client), host.waiter(client)
  crew.waiters[waiter] = true
  pending.waiters = pending.waiters or set_of_living()
  pending.waiters[waiter] = true
  waiter.woken = false
  local left = deadline and deadline - client._loop.now() or math.huge
  while not (pending.done or pending.news or waiter.woken) do
    rest(host, client, crew, waiter, math.max(left, 0)) -- once at least: the others have their turns
    left = deadline and deadline - client._loop.now() or math.huge
    if left <= 0 then
      break
    end
  end
  pending.waiters[waiter] = nil
  leave(host, client, crew, waiter)
end

--- As a loop's `wake`.
---@param host table
---@param pending openhands.Pending
function M.wake(host, _, pending)
  for waiter in pairs(pending.waiters or {}) do
    waiter.woken = true
    host.wake(waiter)
  end
end

return M
