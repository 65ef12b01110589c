--- Waiting in nginx with Lua (OpenResty, lua-nginx-module). Its coroutines cannot watch a descriptor which nginx has
--- not made: of those who wait in a worker, one looks again and again, in naps, and only while something is in flight.

local core = require "openhands.core"
local errors = require "openhands.errors"
local lookout = require "openhands.loop.nginx.leader"
local ngx = require "ngx"
local phases = require "openhands.loop.nginx.phases"
local semaphores = require "ngx.semaphore"
local waiters = require "openhands.loop.nginx.liveness"

local SHORTEST_NAP, LONGEST_NAP = 0.001, 0.02 -- seconds
local LONGEST_WAIT = 1 -- seconds; the one who was to wake somebody may be dead

local M = {
  name = "nginx",
  now = core.monotonic,
  wall = os.time,
  refusal = phases.refusal,
  is_killed = waiters.is_killed,
}

--- How a client's exchanges are looked after.
---@class openhands.NginxShift
---@field nap number seconds, the length of the next
---@field napper table? the waiter that takes one

local shifts = setmetatable({}, { __mode = "k" }) -- by client

-- What lookout.lua asks of a host.
local host = { lease = waiters.LEASE }

function host.waiter()
  return { semaphore = assert(semaphores.new()) }
end

function host.sleep(waiter, seconds)
  waiters.sleep(waiter.semaphore, math.min(seconds, LONGEST_WAIT))
end

function host.wake(waiter)
  waiters.wake(waiter.semaphore)
end

function host.look(client, waiter, seconds)
  local shift = shifts[client]
  local nap = shift.nap
  shift.nap, shift.napper = math.min(2 * nap, LONGEST_NAP), waiter
  host.sleep(waiter, math.min(nap, seconds))
  shift.napper = nil
  if not client._closed then
    waiters.search(client)
  end
end

-- An exchange has begun: it goes out now, and is looked after soon. Its answer may come at once, but who calls again
-- and again must give way all the same.
local function begin(client, pending)
  local shift = shifts[client]
  pending.has_begun, shift.nap = true, SHORTEST_NAP
  if shift.napper then
    return host.wake(shift.napper)
  end
  client:_pump(0)
  if pending.done then
    host.sleep(host.waiter(), SHORTEST_NAP)
  end
end

local function check_place()
  local refusal = M.refusal()
  if refusal then
    errors.raise(refusal)
  end
end

--- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline; after a
--- second at the latest.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  check_place()
  local latest = M.now() + LONGEST_WAIT
  waiters.enter(client, pending.number)
  if pending.number and not pending.has_begun and not client._closed then
    begin(client, pending)
  end
  lookout.await(host, client, pending, math.min(deadline or math.huge, latest))
  waiters.leave(client, pending.number)
end

--- Wakes all that wait for the record.
---@param client openhands.Client
---@param pending openhands.Pending
function M.wake(client, pending)
  shifts[client].nap = SHORTEST_NAP
  lookout.wake(host, client, pending)
end

--- Runs a task in a light thread: it ends with its request.
---@param task openhands.Task
function M.spawn(_, task)
  check_place()
  local gate = host.waiter()
  ngx.thread.spawn(function()
    host.sleep(gate, math.huge) -- the thread begins at once, but the caller goes on first
    task:run_in_place() -- not `carry`: nginx forgets to end what a coroutine inside of a killed one waits for
  end)
  host.wake(gate)
end

function M.attach(client)
  shifts[client] = { nap = SHORTEST_NAP }
  waiters.attach(client)
end

function M.detach() end

return M
