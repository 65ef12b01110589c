--- Waits in nginx with Lua (OpenResty, lua-nginx-module): requests and timers yield while one of them polls the client.

local core = require "openhands.core"
local errors = require "openhands.errors"
local leader = require "openhands.loop.nginx.leader"
local liveness = require "openhands.loop.nginx.liveness"
local ngx = require "ngx"
local phases = require "openhands.loop.nginx.phases"
local semaphores = require "ngx.semaphore"

local START_TIMEOUT = 1 -- seconds after which a task starts although its spawner has not woken it

local M = {
  name = "nginx",
  now = core.monotonic,
  wall = os.time,
  refusal = phases.refusal,
  is_killed = liveness.is_killed,
  wake = leader.wake,
}

local function check_phase(call)
  local refusal = M.refusal()
  if refusal then
    errors.raise(call .. ": " .. refusal)
  end
end

--- Waits until the record is `done` or has `news`, until its waiters are woken, or until the deadline; returns after a
--- second at the latest.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  check_phase "wait"
  liveness.enter(client, pending.number)
  leader.await(client, pending, deadline)
  liveness.leave(client, pending.number)
end

--- Runs a task in a light thread, which nginx ends with its request.
---@param task openhands.Task
function M.spawn(_, task)
  check_phase "spawn"
  local started = assert(semaphores.new())
  ngx.thread.spawn(function()
    liveness.sleep(started, START_TIMEOUT) -- nginx starts the thread at once, but the spawner must go on first
    task:run_in_place() -- not `carry`: its coroutine inside the thread would go on waiting if nginx killed the thread
  end)
  liveness.wake(started)
end

--- Prepares the records of a client.
---@param client openhands.Client
function M.attach(client)
  leader.attach(client)
  liveness.attach(client)
end

--- Does nothing: no descriptor is watched, and the records of a client end with it.
function M.detach() end

return M
