--- Who waits in nginx's coroutines, and who was killed while they did: with the request of a client who hangs up, say,
--- and without a word to anybody. So everybody who waits says when they will look again.

local core = require "openhands.core"
local errors = require "openhands.errors"

local M = {}

--- Seconds by which somebody who lives may be late.
M.LEASE = 0.08

local ROUND = 0.25 -- seconds from one search for the dead to the next

--- A coroutine that waits.
---@class openhands.NginxWaiter
---@field back_at number monotonic moment by which it looks again, if it lives
---@field missed boolean? it did not, when somebody searched last
---@field killed boolean?

--- What is in flight for one client.
---@class openhands.NginxCrew
---@field waiters table<integer, openhands.NginxWaiter> who waits for an exchange, by its number
---@field round_at number monotonic moment of the next search

local by_thread = setmetatable({}, { __mode = "k" })
local crews = setmetatable({}, { __mode = "k" }) -- by client

---@param client openhands.Client
function M.attach(client)
  crews[client] = { waiters = {}, round_at = 0 }
end

--- The running coroutine waits from now on, until `leave`.
---@param client openhands.Client
---@param number integer? of the exchange that it waits for
function M.enter(client, number)
  local waiter = { back_at = core.monotonic() }
  by_thread[coroutine.running()] = waiter
  if number then
    crews[client].waiters[number] = waiter
  end
end

---@param client openhands.Client
---@param number integer?
function M.leave(client, number)
  by_thread[coroutine.running()] = nil
  if number then
    crews[client].waiters[number] = nil
  end
end

--- Sleeps until somebody wakes whoever sleeps on the semaphore, or the time is over.
---@param semaphore table
---@param seconds number
function M.sleep(semaphore, seconds)
  seconds = math.max(seconds, 0.001) -- nginx counts in milliseconds; none is no wait at all
  local waiter = by_thread[coroutine.running()]
  if waiter then
    waiter.back_at = core.monotonic() + seconds
  end
  local _, problem = semaphore:wait(seconds)
  if waiter then
    waiter.back_at, waiter.missed = math.huge, nil
  end
  if problem and problem ~= "timeout" then
    errors.raise("wait: nginx refuses it: " .. problem)
  end
end

--- Wakes whoever sleeps on the semaphore, or sleeps on it next.
---@param semaphore table
function M.wake(semaphore)
  if semaphore:count() < 1 then
    semaphore:post()
  end
end

--- Ends what is in flight for those who were killed: it holds connections that others need. Whoever is only late, since
--- something has held up the worker, is back before the next search.
---@param client openhands.Client that is open
function M.search(client)
  local crew, now = crews[client], core.monotonic()
  if now < crew.round_at then
    return
  end
  crew.round_at = now + ROUND
  for number, waiter in pairs(crew.waiters) do
    if now >= waiter.back_at + M.LEASE and not waiter.missed then
      waiter.missed = true
    elseif waiter.missed then
      waiter.killed = true
      crew.waiters[number] = nil
      client._core:cancel(number)
    end
  end
end

--- Whether a coroutine was killed while it waited, and somebody has found out.
---@param thread thread
---@return boolean
function M.is_killed(thread)
  return by_thread[thread] ~= nil and by_thread[thread].killed == true
end

return M
