--- Watches the descriptors of clients in copas: each client with exchanges in flight has a thread of its own, which
--- steps them.

local selectable = require "openhands.loop.copas.selectable"

local POLL_INTERVAL = 0.01 -- seconds that the process sleeps where `select` cannot watch the descriptor

local M = {}

--- The watch on one client's descriptor.
---@class openhands.CopasWatch: openhands.Selectable
---@field step fun(): boolean steps the exchanges; returns whether some are still in flight

---@type table<openhands.Client, openhands.CopasWatch>
local watches = setmetatable({}, { __mode = "k" })

--- Prepares the watch of a client, which does not keep the client alive.
---@param client openhands.Client
function M.attach(client)
  local held = setmetatable({ client }, { __mode = "v" })
  local watch = selectable.new() --[[@as openhands.CopasWatch]]
  function watch.is_needed()
    return held[1] ~= nil and held[1]:_is_busy()
  end
  function watch.step()
    local owner = held[1]
    if owner then
      local good, problem = owner:_try_pump(watch.is_unwatchable and POLL_INTERVAL or 0)
      if not good then -- copas reports the error of this thread; another thread goes on watching
        watch.thread = nil
        M.start(owner)
        error(problem, 0)
      end
    end
    return owner ~= nil and owner:_is_busy()
  end
  watches[client] = watch
end

--- Resumes the client's thread, e.g. so that it notices that it is no longer needed.
---@param client openhands.Client
function M.wake(client)
  watches[client].woken = true
end

--- Starts the client's thread if exchanges are in flight.
---@param client openhands.Client
function M.start(client)
  local watch = watches[client]
  if client:_is_busy() and not watch:is_watched() then
    watch:set_descriptor(client._core:pollfd())
    watch:watch(watch.step)
  end
end

return M
