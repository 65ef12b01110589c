--- The states of a run, and how one follows another. Only `claim` makes a run live, because a live run has a slot; and
--- `adopt`, where the service has its conversation already.

local M = {}

---@alias openhands.RunState
---| "queued" # waits for a slot; nothing was sent, or the service has refused to start it
---| "starting" # has a slot; its start may have been sent
---| "running" # has a slot; the service has started it
---| "paused" # has a slot; its sandbox is paused, and shall be resumed
---| "done" # its conversation has ended well
---| "failed" # its conversation has failed, or was refused for good
---| "cancelled" # a person gave it up
---| "skipped" # was never started, because it is not needed any more, e.g. what it depends on has failed
---| "ambiguous" # may have been started, and nobody can tell; is never started again by itself

--- The states from which an operation leads to a state. `claim` alone makes a queued run starting, and it keeps the
--- state of a run that it takes over.
---@type table<string, openhands.RunState[]>
M.FROM = {
  queued = { "starting", "running", "paused", "failed", "cancelled", "skipped", "ambiguous" }, -- `requeue`
  starting = { "starting" },
  running = { "starting", "running", "paused" },
  paused = { "starting", "running", "paused" },
  done = { "starting", "running", "paused", "ambiguous" },
  failed = { "queued", "starting", "running", "paused", "ambiguous" },
  cancelled = { "queued", "starting", "running", "paused", "ambiguous" },
  skipped = { "queued" },
  ambiguous = { "starting", "running", "paused" },
}

M.LIVE = { starting = true, running = true, paused = true }
M.ENDED = { done = true, failed = true, cancelled = true, skipped = true, ambiguous = true }

--- Returns whether a run may change from one state to another.
---@param from openhands.RunState
---@param to openhands.RunState
---@return boolean
function M.may_follow(from, to)
  for _, state in ipairs(M.FROM[to]) do
    if state == from then
      return true
    end
  end
  return false
end

return M
