--- Locks starts by id: only one start of an id is under way at a time. A second one waits until the first has ended.

local coroutines = require "openhands.task.coroutines"
local reconciling = require "openhands.start.reconcile"
local start_tasks = require "openhands.conversation.start_tasks"
local tasks = require "openhands.task"

local M = {}

local OWNER_CHECK_INTERVAL = 1 -- seconds between checks that the coroutine that holds the lock is still alive

--- A start that is under way.
---@class openhands.StartLock: openhands.Pending
---@field owner openhands.Owner
---@field memory openhands.Memory of the conversation
---@field progress openhands.StartProgress?

local function unclear(kind, reason)
  return reconciling.cannot_tell(kind, "another start of the same conversation " .. reason)
end

-- Returns the error of a call that was given up while the other start was under way.
local function given_up(client)
  if client._closed then
    return unclear("closed", "was under way when the client was closed")
  end
  tasks.note_cancellation()
  return unclear("cancelled", "was under way when this one was cancelled")
end

--- Locks the start of an id. Waits while another start of the same id is under way, unless that one is abandoned or the
--- service is known to have it.
---@param client openhands.Client
---@param id string
---@param call openhands.Call
---@return openhands.StartLock? lock
---@return openhands.Error? err the other start has not ended in the time of this call, or the call was given up
function M.acquire(client, id, call)
  local memory = client:_remember(id)
  while memory.start_lock and not memory.start_lock.done do
    local other, now = memory.start_lock, client._loop.now()
    local is_certain = other.progress and other.progress.latest -- the service has it; only its progress takes long
    if is_certain or coroutines.is_abandoned(other.owner, client._loop) then
      memory.unclear_at, memory.unclear_since = now, memory.unclear_since or start_tasks.recent(client)
      break
    elseif client:_is_given_up() then
      return nil, given_up(client)
    elseif now >= call.deadline_at then
      return nil, unclear("timeout", "has not ended in the time for this call")
    end
    client:_await(other, math.min(call.deadline_at, now + OWNER_CHECK_INTERVAL))
    other.news = nil
  end
  memory.start_lock = { owner = coroutines.owner(), memory = memory, progress = call.progress }
  return memory.start_lock
end

--- Unlocks the start of an id, and wakes its waiters.
---@param client openhands.Client
---@param lock openhands.StartLock
function M.release(client, lock)
  local memory = lock.memory
  lock.done = true
  if memory.start_lock == lock then
    memory.start_lock = nil
  end
  client:_wake(lock)
end

return M
