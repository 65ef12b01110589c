--- Who watches a client's descriptor in copas: one thread of this room's for each client with something in flight,
--- which moves that on.

local selectable = require "openhands.loop.copas.selectable"

local NAP = 0.01 -- seconds that the process sleeps at a time where `select` cannot watch what it should

local M = {}

--- Who watches one client's descriptor.
---@class openhands.CopasWatch: openhands.Selectable
---@field turn fun(): boolean moves the exchanges on; whether that is to be done again

---@type table<openhands.Client, openhands.CopasWatch>
local watches = setmetatable({}, { __mode = "k" }) -- by client: what watches its descriptor

--- A client is there. Who watches over it does not hold it.
---@param client openhands.Client
function M.attach(client)
  local held = setmetatable({ client }, { __mode = "v" })
  local watch = selectable.new() --[[@as openhands.CopasWatch]]
  function watch.is_wanted()
    return held[1] ~= nil and held[1]:_is_busy()
  end
  function watch.turn()
    local owner = held[1]
    if owner then
      local good, problem = owner:_try_pump(watch.blind and NAP or 0)
      if not good then -- copas tells of it; those who wait have another thread that watches
        watch.running = nil
        M.over(owner)
        error(problem, 0)
      end
    end
    return owner ~= nil and owner:_is_busy()
  end
  watches[client] = watch
end

--- The client's thread has its turn: to see that it is needed no more, say.
---@param client openhands.Client
function M.wake(client)
  watches[client].woken = true
end

--- Somebody waits for the client: what it has in flight is watched from now on.
---@param client openhands.Client
function M.over(client)
  local watch = watches[client]
  if client:_is_busy() and not watch:is_watched() then
    watch:set_descriptor(client._core:pollfd())
    watch:watch(watch.turn)
  end
end

return M
