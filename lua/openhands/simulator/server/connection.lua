--- One connection to the simulator's server: reads its requests one after the other, and writes what the fault schedule
-- and the model say.
local uv = require "luv"
local fault = require "openhands.simulator.fault"
local http = require "openhands.simulator.http"
local reply = require "openhands.simulator.http.response"

local M = {}

---@class openhands.simulator.Connection
---@field private _server openhands.simulator.Server
---@field private _tcp table
---@field private _timer table
---@field private _reader openhands.simulator.Reader
---@field private _busy boolean
---@field private _begun boolean
---@field private _deaf boolean
local connection = {}
local connection_metatable = { __index = connection }

--- Takes the connection that waits at the server's listener, and serves it until it ends.
---@param server openhands.simulator.Server
function M.accept(server)
  local tcp = uv.new_tcp()
  if not server.listener:accept(tcp) then
    tcp:close()
    return
  end
  tcp:nodelay(true)
  server.accepted = server.accepted + 1
  local self = setmetatable({
    _server = server, _tcp = tcp, _timer = uv.new_timer(), _reader = http.reader(),
    _busy = false, -- an answer is being written; further requests wait
    _begun = false, -- the first byte of the next request was seen
    _deaf = false, -- what comes is thrown away
  }, connection_metatable)
  server.connections[self] = true
  tcp:read_start(function(problem, bytes)
    if problem or not bytes then return self:close() end
    if self._deaf then return end
    self._reader:push(bytes)
    self:pump()
  end)
  local struck = server.schedule:take("accept")
  if struck then self:strike(struck) end
end

function connection:close()
  if not self._server.connections[self] then return end
  self._server.connections[self] = nil
  self._timer:close()
  if not self._tcp:is_closing() then self._tcp:close() end
end

function connection:reset()
  if self._server.connections[self] then self._tcp:close_reset() end
  self:close()
end

function connection:after(seconds, action)
  self._timer:start(math.floor(seconds * 1000 + 0.5), 0, action)
end

-- A close with unread bytes would be sent as a reset. So: say goodbye, read on, and close when the peer has done so.
function connection:finish()
  self._deaf = true
  self._tcp:shutdown()
  self:after(1, function() self:close() end)
end

local endings = {}

function endings.keep(self)
  self._busy = false
  self:pump()
end

function endings.close(self) self:finish() end

-- A peer that is told of the reset together with the last bytes may take it for an end: let it read them first.
function endings.reset(self, plan)
  if #plan.writes == 0 and not plan.stream then return self:reset() end
  self:after(fault.flush_seconds, function() self:reset() end)
end

function endings.hang(self) self._deaf = true end

-- Time may jump while a source waits, and what happens next may be decided elsewhere: so it is asked again this often.
local longest_wait = 0.05

-- Writes what a source gives, each piece after the one before has left, so that none waits here for its turn.
function connection:pour(source, finish)
  local function step()
    if not self._server.connections[self] then return end
    self._server:synchronise()
    local given, piece = pcall(source)
    if not given then
      io.stderr:write("simulator: ", tostring(piece), "\n")
      return self:reset()
    end
    if not piece then return finish() end
    if type(piece) == "number" then return self:after(math.min(piece, longest_wait) + 0.001, step) end
    self._tcp:write(piece, function(problem)
      if problem then self:close() else step() end
    end)
  end
  step()
end

-- Writes what a plan says, each write after the one before has left.
function connection:perform(plan, closes)
  self._busy = true
  local position, repeated = 1, 0
  local function finish()
    return endings[closes and plan.ending == "keep" and "close" or plan.ending](self, plan)
  end
  local function step()
    if not self._server.connections[self] then return end
    local write = plan.writes[position]
    if not write then
      if plan.stream then return self:pour(plan.stream, finish) end
      return finish()
    end
    repeated = repeated + 1
    if repeated >= (write.times or 1) then position, repeated = position + 1, 0 end
    local function go_on()
      if not self._server.connections[self] then return end
      if write.wait then self:after(write.wait, step) else step() end
    end
    if write.bytes == "" then return go_on() end
    self._tcp:write(write.bytes, function(problem)
      if problem then self:close() else go_on() end
    end)
  end
  step()
end

-- Lets a fault happen that needs no answer of the model.
function connection:strike(struck, closes)
  if struck.action == "refuse" then
    return self._server:refuse_for(struck.seconds or 1)
  end
  -- Whoever is answered before the request was read cannot have another one answered on this connection.
  self._deaf = struck.point ~= "after_read"
  self:perform(fault.plan(struck), closes or self._deaf)
end

function connection:answer(request, struck, closes)
  local response = self._server:commit(request)
  if struck and struck.action == "refuse" then return self:strike(struck) end
  self:perform(struck and fault.plan(struck, response) or fault.no_fault(response, closes), closes)
end

function connection:handle(request)
  self._busy = true
  local server = self._server
  request.address = server.address
  server:synchronise()
  server.model:record(request)
  local closes = http.wants_close(request)
  local struck = server.schedule:take("after_read", request) --[[@as table?]]
  if not struck or struck.point ~= "after_read" then return self:answer(request, struck, closes) end
  if struck.action ~= "delay" then return self:strike(struck, closes) end
  -- Also when the client has given up meanwhile: a request that was sent may arrive late, and counts.
  server:after(struck.seconds or 1, function() self:answer(request, nil, closes) end)
end

-- Takes the next request out of what was read.
function connection:pump()
  if self._busy or self._deaf or not self._reader:has_begun() then return end
  if not self._begun then
    self._begun = true
    local struck = self._server.schedule:take("before_read")
    if struck then return self:strike(struck) end
  end
  local request, problem = self._reader:request()
  if problem then
    self._deaf = true
    return self:perform(fault.no_fault(reply.detail(400, problem), true))
  elseif request then
    self._begun = false
    self:handle(request)
  elseif self._reader:awaits_continue() then
    self._tcp:write(http.continue)
  end
end

return M
