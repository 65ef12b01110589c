--- Detects coroutines that nginx has killed while they waited, e.g. because the client of their request hung up: nginx
--- does not notify anyone. So each waiting coroutine notes when it will run again; one that does not run by then has
--- been killed.

local core = require "openhands.core"
local errors = require "openhands.errors"

local M = {}

--- Seconds by which a coroutine that lives may be late.
M.LEASE = 0.08

local CHECK_INTERVAL = 0.25 -- seconds between two checks for killed coroutines
local SHORTEST_SLEEP = 0.001 -- seconds: nginx counts in milliseconds, and a wait of 0 would not yield

--- A coroutine that waits.
---@class openhands.NginxWait
---@field back_at number monotonic time by which it runs again, if it lives
---@field is_late boolean? it had not run in time at the last check
---@field is_killed boolean?

--- The exchanges of one client that are awaited.
---@class openhands.NginxExchanges
---@field waits table<integer, openhands.NginxWait> by the number of the exchange
---@field check_at number monotonic time of the next check

local wait_of = setmetatable({}, { __mode = "k" }) -- by coroutine
local exchanges_of = setmetatable({}, { __mode = "k" }) -- by client

--- Prepares the record of a client's exchanges.
---@param client openhands.Client
function M.attach(client)
  exchanges_of[client] = { waits = {}, check_at = 0 }
end

--- Notes that the running coroutine waits, until `leave`.
---@param client openhands.Client
---@param number integer? of the exchange that it waits for
function M.enter(client, number)
  local wait = { back_at = core.monotonic() }
  wait_of[coroutine.running()] = wait
  if number then
    exchanges_of[client].waits[number] = wait
  end
end

--- Notes that the running coroutine no longer waits.
---@param client openhands.Client
---@param number integer? of the exchange
function M.leave(client, number)
  wait_of[coroutine.running()] = nil
  if number then
    exchanges_of[client].waits[number] = nil
  end
end

--- Sleeps until `wake` is called for the semaphore, or the time has passed.
---@param semaphore table
---@param seconds number
function M.sleep(semaphore, seconds)
  seconds = math.max(seconds, SHORTEST_SLEEP)
  local wait = wait_of[coroutine.running()]
  if wait then
    wait.back_at = core.monotonic() + seconds
  end
  local _, problem = semaphore:wait(seconds)
  if wait then
    wait.back_at, wait.is_late = math.huge, nil
  end
  if problem and problem ~= "timeout" then
    errors.raise("wait: nginx refuses the wait: " .. problem)
  end
end

--- Ends the sleep on the semaphore, or the next one.
---@param semaphore table
function M.wake(semaphore)
  if semaphore:count() < 1 then
    semaphore:post()
  end
end

--- Cancels the exchanges of killed coroutines: they hold connections that others need. A coroutine that is only late,
--- because the worker was busy, runs before the next check.
---@param client openhands.Client that is open
function M.cancel_abandoned(client)
  local exchanges, now = exchanges_of[client], core.monotonic()
  if now < exchanges.check_at then
    return
  end
  exchanges.check_at = now + CHECK_INTERVAL
  for number, wait in pairs(exchanges.waits) do
    if now >= wait.back_at + M.LEASE and not wait.is_late then
      wait.is_late = true
    elseif wait.is_late then
      wait.is_killed = true
      exchanges.waits[number] = nil
      client._core:cancel(number)
    end
  end
end

--- Returns whether a coroutine is known to have been killed while it waited.
---@param thread thread
---@return boolean
function M.is_killed(thread)
  return wait_of[thread] ~= nil and wait_of[thread].is_killed == true
end

return M
