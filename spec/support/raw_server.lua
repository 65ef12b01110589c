--- A server of raw bytes: it writes exactly the given bytes and keeps the requests. It runs in this process, so a spec
-- that waits for a client of the core must also run the loop (`turn`, `await`).
local core = require "openhands.core"
local uv = require "luv"

local M = {}

-- Writing to a closed connection raises SIGPIPE, which luv does not suppress. It is caught only while there is a
-- server, so that other specs notice a core that raises it.
local gone, servers = uv.new_signal(), 0
gone:start("sigpipe", function() end) -- takes its descriptors now, not in the middle of a spec that counts them
gone:stop()

local patience = 30 -- seconds after which a wait fails

--- One request.
---@class spec.Request
---@field head string with its last empty line
---@field method string
---@field target string
---@field headers table<string, string> by lower-case name; values of a repeated one are joined by "|"
---@field body string

local function parse(bytes)
  local _, last = bytes:find("\r\n\r\n", 1, true)
  if not last then return end
  local head, headers = bytes:sub(1, last), {}
  for name, value in head:gmatch "\n([^:\r\n]+):[ \t]*([^\r\n]*)" do
    local known = core.lower(name)
    headers[known] = headers[known] and headers[known] .. "|" .. value or value
  end
  local size = tonumber(headers["content-length"] or 0)
  if #bytes < last + size then return end
  local method, target = head:match "^(%S+) (%S+) HTTP/1%.1\r\n"
  return {
    head = head, method = method, target = target, headers = headers, body = bytes:sub(last + 1, last + size),
  }, bytes:sub(last + size + 1)
end

---@class spec.Connection
local connection_methods = {}

function connection_methods:write(bytes, written)
  if not self._socket:is_closing() then self._socket:write(bytes, written) end
end

--- Writes a piece a number of times, each when the one before has been sent.
function connection_methods:pour(piece, count, finished)
  local function following(problem)
    if problem or self._socket:is_closing() then return end
    count = count - 1
    if count < 0 then return finished() end
    self:write(piece, following)
  end
  following()
end

--- Closes the connection after what was written.
function connection_methods:close()
  if self._socket:is_closing() then return end
  self._socket:shutdown(function()
    if not self._socket:is_closing() then self._socket:close() end
  end)
end

---@class spec.RawServer
---@field address string
---@field requests spec.Request[]
---@field connections integer made so far
local methods = {}

--- Closes the listener and every connection.
function methods:close()
  if not self._listener:is_closing() then
    self._listener:close()
    servers = servers - 1
    if servers == 0 then gone:stop() end
  end
  for socket in pairs(self._sockets) do
    if not socket:is_closing() then socket:close() end
  end
  uv.run "nowait"
end

--- Closes every connection.
function methods:hang_up()
  for socket in pairs(self._sockets) do
    if not socket:is_closing() then socket:close() end
  end
  uv.run "nowait"
end

--- Starts a server. `answer` is either bytes: they are written after the first request, and the connection is closed.
--- Or it is a function of the request and the connection: its result is written, and the connection stays open.
---@param answer string|fun(request: spec.Request, connection: spec.Connection): string?
---@return spec.RawServer
function M.new(answer)
  local self = setmetatable({ requests = {}, connections = 0, _sockets = {} }, { __index = methods })
  servers = servers + 1
  if servers == 1 then gone:start("sigpipe", function() end) end
  gone:unref()
  self._listener = uv.new_tcp()
  self._listener:bind("127.0.0.1", 0)
  self._listener:listen(64, function()
    local socket, bytes = uv.new_tcp(), ""
    self._listener:accept(socket)
    self.connections = self.connections + 1
    self._sockets[socket] = true
    local connection = setmetatable({ _socket = socket }, { __index = connection_methods })
    socket:read_start(function(problem, piece)
      if problem or not piece then
        self._sockets[socket] = nil
        if not socket:is_closing() then socket:close() end
        return
      end
      bytes = bytes .. piece
      local request, rest = parse(bytes)
      if not request then return end
      bytes = rest
      self.requests[#self.requests + 1] = request
      if type(answer) == "string" then
        connection:write(answer)
        connection:close()
      else
        local said = answer(request, connection)
        if said then connection:write(said) end
      end
    end)
  end)
  self.port = self._listener:getsockname().port
  self.address = "http://127.0.0.1:" .. self.port
  return self
end

--- Returns an answer as bytes, with its length.
---@param body string
---@param head? string further lines, each with its line break
---@param status? string
---@return string
function M.answer(body, head, status)
  return ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n"):format(status or "200 OK",
    head or "Content-Type: application/json\r\n", #body) .. body -- %s of Lua 5.1 ends at a NUL byte
end

--- Steps the client and runs the loop until `done()` holds; fails when that takes too long.
---@param client userdata of the core
---@param done fun(): boolean
function M.turn(client, done)
  local deadline, turns = core.monotonic() + patience, 0
  while not done() do
    if core.monotonic() > deadline then error("nothing happens any more", 2) end
    uv.run "nowait"
    turns = turns + 1
    client:step(turns > 50 and 0.001 or 0) -- usually everything has arrived already
  end
end

--- Runs the loop alone until `done()` holds; fails when that takes too long.
---@param done fun(): boolean
function M.turn_loop(done)
  local deadline = core.monotonic() + patience
  local timer = uv.new_timer()
  timer:start(10, 10, function() end) -- so that there is always something to wait for
  while not done() and core.monotonic() < deadline do uv.run "once" end
  timer:close()
  uv.run "nowait"
  if not done() then error("nothing happens any more", 2) end
end

--- Waits for an exchange; returns its value, or nil and its error.
---@param client userdata of the core
---@param number integer
---@return any, table?
function M.await(client, number)
  M.turn(client, function() return client:in_flight() == 0 end)
  local finished, value, err = client:next()
  local ends_at = core.monotonic() + patience
  while not finished and core.monotonic() < ends_at do -- a long answer is read in slices
    finished, value, err = client:next()
  end
  assert(finished == number, "another exchange has finished")
  return value, err
end

return M
