--- Keeps the leases of a worker's runs, in a task of its own: whatever holds up the worker's loop, a slow answer of the
--- service for example, no lease expires, and no other worker does the same work again.

local custody = require "openhands.fleet.custody"

local M = {}

-- Renews the leases that are due. Returns the seconds until the next one is.
local function renew_all(worker)
  local due, next_at = {}, math.huge
  for _, entry in pairs(worker._entries) do
    due[#due + 1] = entry
  end
  for _, entry in ipairs(due) do
    if not entry.is_gone and worker.client:_now() >= entry.renew_at and not custody.renew(worker, entry) then
      entry.task:cancel()
    end
    next_at = math.min(next_at, entry.is_gone and math.huge or entry.renew_at)
  end
  return math.max(0, next_at - worker.client:_now())
end

-- Renews until the worker ends. A new run is due a third of the lease later, so that none is missed.
local function keep(worker)
  local client, longest = worker.client, worker.settings.lease / 3
  while not (worker._is_leaving or client:_is_given_up()) do
    client:_sleep(math.min(longest, renew_all(worker)))
  end
end

--- Begins to keep the leases of a worker.
---@param worker openhands.Worker
function M.keep(worker)
  custody.spawn(worker, keep)
end

return M
