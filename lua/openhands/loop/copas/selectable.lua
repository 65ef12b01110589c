--- What copas' threads wait for instead of a socket. LuaSocket's `select` takes any object with the methods below, and
--- `copas.receive`, old and new, hands it over.

local copas = require "copas"
local socket = require "socket"

local M = {}

local MOST = socket._SETSIZE or 1024 -- descriptors below it are for `select`

--- What one thread waits for.
---@class openhands.Selectable: openhands.Timer
---@field woken boolean? its thread has its turn next
---@field blind boolean? `select` cannot watch its descriptor: its thread has its turn always
---@field number integer? the descriptor
---@field is_wanted (fun(): boolean)? whether the descriptor is to be watched now
---@field running thread|true|nil the thread of this room's that watches it; true: that is to begin
local methods = {}
local Selectable = { __index = methods, __name = "openhands.Selectable" }

--- Something to wait for, that is ready when it is woken.
---@return openhands.Selectable
function M.new()
  return setmetatable({}, Selectable)
end

--- Has a descriptor watched for it too.
---@param number integer? nil: the system has none
function methods:set_descriptor(number)
  self.number = number
  self.blind = not number or number >= MOST
end

-- Copas asks before it waits, and again when `select` has named the object.
function methods:receive()
  self.asked = not self.asked
  if self.asked then
    return nil, "timeout"
  end
  self.woken = nil
  return true
end

function methods:dirty()
  return self.woken or self.blind
end

-- Only what has a descriptor is asked whether it is dirty, and the descriptor of what is dirty is not looked at.
function methods:getfd()
  if self.woken or self.blind then
    return 0
  end
  return self.is_wanted and self.is_wanted() and self.number or -1
end

--- Whether a thread watches it that has not ended, be it yet to begin.
---@return boolean?
function methods:is_watched()
  return self.running == true or self.running and coroutine.status(self.running) ~= "dead"
end

-- Copas closes what a thread that has ended waited for last. After an error another one may watch it already.
function methods:close()
  if not self:is_watched() then
    self.running = nil
  end
end

--- Lets the running thread of copas' wait until it is woken.
function methods:wait()
  copas.receive(self)
end

--- Runs a thread that takes a turn each time that this is ready, until one says that it was the last.
---@param turn fun(): boolean whether it goes on
function methods:watch(turn)
  if self:is_watched() then
    return
  end
  self.running, self.asked, self.woken = true, nil, nil
  copas.addthread(function()
    self.running = coroutine.running()
    while turn() do
      self:wait()
    end
    self.running = nil
  end)
end

return M
