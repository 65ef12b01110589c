--- A loopback HTTP/1.1 server around one model, on 127.0.0.1. Its time is real time; the fault schedule decides what is
-- written to each connection.
local connection = require "openhands.simulator.server.connection"
local dispatch = require "openhands.simulator.dispatch"
local fault = require "openhands.simulator.fault"
local model = require "openhands.simulator.model"
local model_options = require "openhands.simulator.model.options"
local responses = require "openhands.simulator.http.responses"
local uv = require "luv"

local M = {}

-- Returns the options with the clock of this machine as the default of `epoch`: clients search for their starts by the
-- time of their own clock.
local function with_wall_clock(options)
  local copy = {}
  for name, value in pairs(options) do
    copy[name] = value
  end
  if not copy.epoch then
    local seconds, microseconds = uv.gettimeofday()
    copy.epoch = seconds + microseconds / 1e6 - (copy.time or 0)
  end
  return copy
end

---@class openhands.simulator.Server
---@field model openhands.simulator.Model
---@field address string `http://127.0.0.1:PORT`, once it listens
---@field accepted integer number of connections so far
---@field listener table? the listening socket; nil while connections are refused
---@field connections table<openhands.simulator.Connection, true> the open ones
---@field schedule openhands.simulator.Schedule of faults
---@field private _options openhands.simulator.Options
---@field private _port integer
---@field private _timers table
local methods = {}
local metatable = { __index = methods, __name = "openhands.simulator.Server" }

--- Creates a server. It does nothing until `listen`; then it runs in the default loop of luv. Raises on an unknown
-- option or value, and on a port that is none.
---@param settings? { options?: openhands.simulator.Options, model?: openhands.simulator.Model, port?: integer }
---@return openhands.simulator.Server
function M.new(settings)
  settings = settings or {}
  local port = settings.port or 0
  local problem = model_options.problem_of_port(port)
  if problem then
    error(problem, 0)
  end
  local self = setmetatable({
    accepted = 0, _options = settings.options or {}, _port = port,
    connections = {}, _timers = {}, schedule = fault.schedule {},
  }, metatable)
  self:reset(settings.model)
  return self
end

--- Resets the server: no conversations, no faults, no connections. The address stays.
---@param fresh? openhands.simulator.Model default: a new one with the initial options
function methods:reset(fresh)
  self:disconnect()
  self:_cancel_timers()
  self.model = fresh or model.new(with_wall_clock(self._options), dispatch.respond)
  self.schedule = fault.schedule {}
  self._started, self._ahead = uv.hrtime() / 1e9, self.model:time()
end

--- Advances the model to the present: the seconds since the start, plus those that `skip` added.
function methods:synchronise()
  local now = uv.hrtime() / 1e9 - self._started + self._ahead
  if now > self.model:time() then
    self.model:advance(now - self.model:time())
  end
end

--- Advances the time of the service.
---@param seconds number
function methods:skip(seconds)
  self._ahead = self._ahead + seconds
  self:synchronise()
end

--- Replaces the fault schedule. Raises if a fault is malformed.
---@param faults openhands.simulator.Fault[]
function methods:set_faults(faults)
  self.schedule = fault.schedule(faults)
end

--- Returns the model's response to a request. Turns an error in the simulator into a 500, with a traceback on stderr.
---@param request openhands.simulator.Request
---@return openhands.simulator.Response
function methods:respond(request)
  self:synchronise()
  local function explain(problem)
    return debug.traceback(tostring(problem), 2)
  end
  local answered, response = xpcall(function() return self.model:respond(request) end, explain)
  if answered then
    return response
  end
  io.stderr:write("simulator: ", tostring(response), "\n")
  return responses.crash()
end

--- Listens on 127.0.0.1. Raises if the port is taken.
---@return string address
function methods:listen()
  local listener = uv.new_tcp()
  assert(listener:bind("127.0.0.1", self._port))
  assert(listener:listen(511, function(problem)
    if not problem then
      connection.accept(self)
    end
  end))
  self.listener = listener
  self._port = listener:getsockname().port
  self.address = "http://127.0.0.1:" .. self._port
  return self.address
end

--- Returns the number of open connections.
---@return integer
function methods:open_connections()
  local count = 0
  for _ in pairs(self.connections) do
    count = count + 1
  end
  return count
end

--- Resets every connection.
function methods:disconnect()
  local list = {}
  for each in pairs(self.connections) do
    list[#list + 1] = each
  end
  for _, each in ipairs(list) do
    each:reset()
  end
end

--- Stops listening and resets all connections, or listens again.
---@param on boolean
function methods:refuse(on)
  if on and self.listener then
    self.listener:close()
    self.listener = nil
    self:disconnect()
  elseif not on and not self.listener then
    self:listen()
  end
end

--- Refuses connections for a while.
---@param seconds number
function methods:refuse_for(seconds)
  self:refuse(true)
  self:after(seconds, function() self:refuse(false) end)
end

--- Runs a function later, unless the server is reset or closed before then.
---@param seconds number
---@param action fun()
function methods:after(seconds, action)
  local timer = uv.new_timer()
  self._timers[timer] = true
  timer:start(math.floor(seconds * 1000 + 0.5), 0, function()
    self._timers[timer] = nil
    timer:close()
    action()
  end)
end

function methods:_cancel_timers()
  for timer in pairs(self._timers) do
    timer:close()
  end
  self._timers = {}
end

--- Closes everything that belongs to the server.
function methods:close()
  self:refuse(true)
  self:_cancel_timers()
end

return M
