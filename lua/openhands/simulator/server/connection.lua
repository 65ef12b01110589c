--- One connection of the server: reads its requests one after the other, and writes the responses of the model, changed
-- by the fault schedule.
local fault = require "openhands.simulator.fault"
local http = require "openhands.simulator.http"
local responses = require "openhands.simulator.http.responses"
local uv = require "luv"

local M = {}

---@class openhands.simulator.Connection
---@field private _server openhands.simulator.Server
---@field private _tcp table
---@field private _timer table
---@field private _reader openhands.simulator.Reader
---@field private _busy boolean a response is being written; further requests wait
---@field private _begun boolean the first byte of the next request has arrived
---@field private _discards boolean received bytes are discarded
local connection = {}
local connection_metatable = { __index = connection }

--- Accepts a connection from the server's listener, and serves it until it ends.
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
    _busy = false, _begun = false, _discards = false,
  }, connection_metatable)
  server.connections[self] = true
  tcp:read_start(function(problem, bytes)
    if problem or not bytes then
      return self:close()
    end
    if self._discards then
      return
    end
    self._reader:push(bytes)
    self:handle_next()
  end)
  local injected = server.schedule:take("accept")
  if injected then
    self:inject(injected)
  end
end

function connection:close()
  if not self._server.connections[self] then
    return
  end
  self._server.connections[self] = nil
  self._timer:close()
  if not self._tcp:is_closing() then
    self._tcp:close()
  end
end

function connection:reset()
  if self._server.connections[self] then
    self._tcp:close_reset()
  end
  self:close()
end

function connection:after(seconds, action)
  self._timer:start(math.floor(seconds * 1000 + 0.5), 0, action)
end

-- Ends the connection without a reset: to close it while it has unread bytes would send one. Stops writing, discards
-- received bytes, and closes when the peer has closed or after one second.
function connection:finish()
  self._discards = true
  self._tcp:shutdown()
  self:after(1, function() self:close() end)
end

local endings = {}

function endings.keep(self)
  self._busy = false
  self:handle_next()
end

function endings.close(self)
  self:finish()
end

-- Lets the peer read the last bytes first: if they arrive together with the reset, the peer may see a close instead.
function endings.reset(self, plan)
  if #plan.writes == 0 and not plan.stream then
    return self:reset()
  end
  self:after(fault.flush_seconds, function() self:reset() end)
end

function endings.hang(self)
  self._discards = true
end

-- Longest wait before a stream without data is read again, in seconds. Data may come earlier than the stream announced:
-- time may be advanced, and other requests may change the conversation.
local poll_seconds = 0.05

-- Writes a stream. Each piece waits until the previous one is written, so that no piece is buffered.
function connection:write_stream(stream, finish)
  local function step()
    if not self._server.connections[self] then
      return
    end
    self._server:synchronise()
    local given, piece = pcall(stream)
    if not given then
      io.stderr:write("simulator: ", tostring(piece), "\n")
      return self:reset()
    end
    if not piece then
      return finish()
    end
    if type(piece) == "number" then
      return self:after(math.min(piece, poll_seconds) + 0.001, step)
    end
    self._tcp:write(piece, function(problem)
      if problem then
        self:close()
      else
        step()
      end
    end)
  end
  step()
end

-- Writes the bytes of a plan, each write after the previous one has completed, and then ends as the plan says.
function connection:write_plan(plan, closes)
  self._busy = true
  local position, repeated = 1, 0
  local function finish()
    return endings[closes and plan.ending == "keep" and "close" or plan.ending](self, plan)
  end
  local function step()
    if not self._server.connections[self] then
      return
    end
    local write = plan.writes[position]
    if not write then
      if plan.stream then
        return self:write_stream(plan.stream, finish)
      end
      return finish()
    end
    repeated = repeated + 1
    if repeated >= (write.times or 1) then
      position, repeated = position + 1, 0
    end
    local function continue()
      if not self._server.connections[self] then
        return
      end
      if write.wait then
        self:after(write.wait, step)
      else
        step()
      end
    end
    if write.bytes == "" or write.times == 0 then
      return continue()
    end
    self._tcp:write(write.bytes, function(problem)
      if problem then
        self:close()
      else
        continue()
      end
    end)
  end
  step()
end

-- Applies a fault that needs no response of the model.
function connection:inject(injected, closes)
  if injected.action == "refuse" then
    return self._server:refuse_for(injected.seconds or 1)
  end
  -- After a response to an unread request, nothing more can be answered on this connection.
  self._discards = injected.point ~= "after_read"
  self:write_plan(fault.plan(injected), closes or self._discards)
end

function connection:respond(request, injected, closes)
  local response = self._server:respond(request)
  if injected and injected.action == "refuse" then
    return self:inject(injected)
  end
  self:write_plan(injected and fault.plan(injected, response) or fault.no_fault(response, closes), closes)
end

function connection:handle(request)
  self._busy = true
  local server = self._server
  request.address = server.address
  server:synchronise()
  server.model:record(request)
  local injected = server.schedule:take("after_read", request) --[[@as table?]]
  -- A fault may give HEAD a body. On a kept connection, that would be the start of the next response.
  local closes = http.wants_close(request) or injected ~= nil and request.method == "HEAD"
  if not injected or injected.point ~= "after_read" then
    return self:respond(request, injected, closes)
  end
  if injected.action ~= "delay" then
    return self:inject(injected, closes)
  end
  -- The model also gets the request if the client has closed the connection by then: a sent request may arrive late.
  server:after(injected.seconds or 1, function() self:respond(request, nil, closes) end)
end

-- Handles the next request, if it is complete.
function connection:handle_next()
  if self._busy or self._discards or not self._reader:has_begun() then
    return
  end
  if not self._begun then
    self._begun = true
    local injected = self._server.schedule:take("before_read")
    if injected then
      return self:inject(injected)
    end
  end
  local request, problem = self._reader:request()
  if problem then
    self._discards = true
    return self:write_plan(fault.no_fault(responses.detail(400, problem), true))
  elseif request then
    self._begun = false
    self:handle(request)
  elseif self._reader:awaits_continue() then
    self._tcp:write(http.continue)
  end
end

return M
