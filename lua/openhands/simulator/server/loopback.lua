--- A loopback HTTP/1.1 server around one model. It does as the fault schedule says, down to the last byte, and is
-- steered through its standard input (control.lua). Also a program:
--
--     lua server.lua [--api both|v0|v1] [--pace NUMBER] [--port NUMBER] [--options JSON] [--stay]
local as_module = ... == "openhands.simulator.server"
if not as_module and arg and arg[0] then
  -- Run as a program, from anywhere: the modules are where this file is.
  local root = arg[0]:match("^(.*)openhands[/\\]simulator[/\\]server%.lua$")
  if root then package.path = root .. "?.lua;" .. root .. "?/init.lua;" .. package.path end
end

local uv = require "luv"
local connection = require "openhands.simulator.server.connection"
local control = require "openhands.simulator.server.control"
local fault = require "openhands.simulator.fault"
local json = require "openhands.simulator.encoding.json"
local model = require "openhands.simulator.model"
local reply = require "openhands.simulator.http.response"

local M = {}

-- A client looks for what it has started by its own wall clock: unless told otherwise, ours is the same.
local function with_wall_clock(options)
  local copy = {}
  for name, value in pairs(options) do copy[name] = value end
  if not copy.epoch then
    local seconds, microseconds = uv.gettimeofday()
    copy.epoch = seconds + microseconds / 1e6 - (copy.time or 0)
  end
  return copy
end

---@class openhands.simulator.Server
---@field model openhands.simulator.Model
---@field address string `http://127.0.0.1:PORT`, once it listens
---@field accepted integer connections so far
---@field listener table? the listening socket; nil while it refuses
---@field connections table<table, true> the open ones, see connection.lua
---@field schedule openhands.simulator.Schedule what goes wrong next
---@field private _options openhands.simulator.Options
---@field private _port integer
---@field private _timers table
local methods = {}
local metatable = { __index = methods, __name = "openhands.simulator.Server" }

--- Makes a server. It does nothing until `listen`; then it runs with the default loop of luv.
---@param settings? { options?: openhands.simulator.Options, model?: openhands.simulator.Model, port?: integer }
---@return openhands.simulator.Server
function M.new(settings)
  settings = settings or {}
  local self = setmetatable({
    accepted = 0, _options = settings.options or {}, _port = settings.port or 0,
    connections = {}, _timers = {}, schedule = fault.schedule {},
  }, metatable)
  self:renew(settings.model)
  return self
end

--- Begins anew: no jobs, no faults, no connections. The address stays.
---@param fresh? openhands.simulator.Model default: a new one with the options of the beginning
function methods:renew(fresh)
  self:disconnect()
  self:_forget_plans()
  self.model = fresh or model.new(with_wall_clock(self._options))
  self.schedule = fault.schedule {}
  self._started, self._ahead = uv.hrtime() / 1e9, self.model:time()
end

--- Brings the model's time up to now: seconds since the beginning, plus what `skip` added.
function methods:synchronise()
  local now = uv.hrtime() / 1e9 - self._started + self._ahead
  if now > self.model:time() then self.model:advance(now - self.model:time()) end
end

--- Lets time jump.
---@param seconds number
function methods:skip(seconds)
  self._ahead = self._ahead + seconds
  self:synchronise()
end

--- Replaces the schedule of faults. Raises when one of them is no fault.
---@param faults openhands.simulator.Fault[]
function methods:set_faults(faults)
  self.schedule = fault.schedule(faults)
end

--- Asks the model. A defect of the model looks like one of the service, and is told on stderr.
---@param request openhands.simulator.Request
function methods:commit(request)
  self:synchronise()
  local function explain(problem) return debug.traceback(tostring(problem), 2) end
  local answered, response = xpcall(function() return self.model:answer(request) end, explain)
  if answered then return response end
  io.stderr:write("simulator: ", tostring(response), "\n")
  return reply.crash()
end

--- Begins to listen on 127.0.0.1.
---@return string address
function methods:listen()
  local listener = uv.new_tcp()
  assert(listener:bind("127.0.0.1", self._port))
  assert(listener:listen(511, function(problem)
    if not problem then connection.accept(self) end
  end))
  self.listener = listener
  self._port = listener:getsockname().port
  self.address = "http://127.0.0.1:" .. self._port
  return self.address
end

--- How many connections are open.
---@return integer
function methods:open_connections()
  local count = 0
  for _ in pairs(self.connections) do count = count + 1 end
  return count
end

--- Resets every connection.
function methods:disconnect()
  local list = {}
  for each in pairs(self.connections) do list[#list + 1] = each end
  for _, each in ipairs(list) do each:reset() end
end

--- Stops listening, so that connecting is refused and whoever is connected is cut off; or listens again.
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

--- Refuses for a while.
---@param seconds number
function methods:refuse_for(seconds)
  self:refuse(true)
  self:after(seconds, function() self:refuse(false) end)
end

--- Does something later, unless the server begins anew or is closed.
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

function methods:_forget_plans()
  for timer in pairs(self._timers) do timer:close() end
  self._timers = {}
end

--- Closes everything that belongs to the server.
function methods:close()
  self:refuse(true)
  self:_forget_plans()
end

-- Program ------------------------------------------------------------------------------------------------------------

local usage = [[
usage: lua server.lua [options]
  --api both|v0|v1   which dialects it speaks (both)
  --pace NUMBER      how long everything takes; 1: a conversation takes a minute (1)
  --port NUMBER      where it listens on 127.0.0.1 (any free port)
  --options JSON     further options of the model, as one JSON object
  --stay             go on when the standard input ends
  --help             this text
The first line of output is the address. Standard input takes one command per line, as JSON.
]]

local function read_arguments(words)
  local settings = { options = {} }
  local index = 1
  local function value()
    index = index + 1
    return words[index] or error(words[index - 1] .. " needs a value", 0)
  end
  local readers = {
    ["--api"] = function() settings.options.api = value() end,
    ["--pace"] = function() settings.options.pace = tonumber(value()) or error("--pace needs a number", 0) end,
    ["--port"] = function() settings.port = tonumber(value()) or error("--port needs a number", 0) end,
    ["--options"] = function()
      local options, problem = json.decode(value(), "bytes")
      if type(options) ~= "table" then error("--options: " .. (problem or "no object"), 0) end
      for name, option in pairs(options) do settings.options[name] = option end
    end,
    ["--stay"] = function() settings.stay = true end,
    ["--help"] = function() settings.help = true end,
  }
  while words[index] do
    local reader = readers[words[index]] or error("unknown option: " .. words[index], 0)
    reader()
    index = index + 1
  end
  return settings
end

--- Runs the program: listens, prints the address, obeys the commands on standard input until it ends.
---@param words string[] the command line
---@return integer exit_status
function M.main(words)
  local read, settings = pcall(read_arguments, words) --[[@as boolean, any]]
  local made, server = read, nil --[[@as any]]
  if read and not settings.help then made, server = pcall(M.new, settings) end
  if not made then
    io.stderr:write("simulator: ", tostring(read and server or settings), "\n", usage)
    return 2
  end
  if settings.help then
    io.stdout:write(usage)
    return 0
  end
  io.stdout:write(server:listen(), "\n")
  io.stdout:flush()
  control.attend(server, settings.stay)
  for _, name in ipairs { "sigterm", "sigint" } do
    local signal = uv.new_signal()
    signal:start(name, function() uv.stop() end)
  end
  -- A client that resets its connection while a fault floods it must not be our end.
  uv.new_signal():start("sigpipe", function() end)
  uv.run()
  server:close()
  return 0
end

if not as_module and arg and arg[0] and arg[0]:find("server%.lua$") then os.exit(M.main(arg)) end

return M
