--- Objects for which copas' threads wait in place of a socket. LuaSocket's `select` takes any object with the methods
--- below, and `copas.receive`, old and new, passes it on.

local copas = require "copas"
local socket = require "socket"

local M = {}

local SET_SIZE = socket._SETSIZE or 1024 -- `select` can watch descriptors below this number

--- An object for which one thread waits.
---@class openhands.Selectable: openhands.Timer
---@field woken boolean? its thread is to be resumed
---@field is_unwatchable boolean? `select` cannot watch its descriptor: its thread is always resumed
---@field descriptor integer?
---@field is_needed (fun(): boolean)? whether the descriptor is to be watched now
---@field thread thread|true|nil the thread of this library that watches it; true: it has not started yet
local methods = {}
local Selectable = { __index = methods, __name = "openhands.Selectable" }

--- Creates a selectable that is ready when it is woken.
---@return openhands.Selectable
function M.new()
  return setmetatable({}, Selectable)
end

--- Adds a descriptor: from then on the selectable is also ready when the descriptor is readable.
---@param descriptor integer? nil: the system has none
function methods:set_descriptor(descriptor)
  self.descriptor = descriptor
  self.is_unwatchable = not descriptor or descriptor >= SET_SIZE
end

-- Copas calls this before it waits, and again when `select` has returned the object.
function methods:receive()
  self.asked = not self.asked
  if self.asked then
    return nil, "timeout"
  end
  self.woken = nil
  return true
end

function methods:dirty()
  return self.woken or self.is_unwatchable
end

-- `select` asks only an object with a descriptor whether it is dirty, and does not watch the descriptor of a dirty one.
-- So a dirty object may give any descriptor: 0.
function methods:getfd()
  if self.woken or self.is_unwatchable then
    return 0
  end
  return self.is_needed and self.is_needed() and self.descriptor or -1
end

--- Returns whether a thread that has not ended watches it; the thread may not have started yet.
---@return boolean?
function methods:is_watched()
  return self.thread == true or self.thread and coroutine.status(self.thread) ~= "dead"
end

-- Copas closes the last object for which an ended thread has waited. After an error another thread may already watch
-- it.
function methods:close()
  if not self:is_watched() then
    self.thread = nil
  end
end

--- Suspends the running thread of copas until this is ready.
function methods:wait()
  copas.receive(self)
end

--- Starts a thread that calls a function each time the selectable is ready, until the function returns false.
---@param on_ready fun(): boolean whether it goes on
function methods:watch(on_ready)
  if self:is_watched() then
    return
  end
  self.thread, self.asked, self.woken = true, nil, nil
  copas.addthread(function()
    self.thread = coroutine.running()
    while on_ready() do
      self:wait()
    end
    self.thread = nil
  end)
end

return M
