--- A client of raw bytes over a real socket, to test servers: it sends exactly the given bytes and returns exactly the
--- bytes that it receives.
local uv = require "luv"

local M = {}

local patience = 30 -- seconds after which a wait fails

--- Returns a request as bytes.
---@param method string
---@param target string path and query
---@param body? string
---@param headers? string lines, each with its end
---@return string
function M.request(method, target, body, headers)
  return ("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n%sContent-Length: %d\r\n\r\n%s")
    :format(method, target, headers or "", #(body or ""), body or "")
end

--- A short request, and the end of its answer.
M.ask = M.request("GET", "/api/v1/users/me")
M.end_of_account = '"v1_enabled":true}'

--- Returns an answer with its Date masked, so that answers of different seconds compare equal. Its length stays.
---@param bytes string
---@return string
function M.of_no_moment(bytes)
  return (bytes:gsub("\r\nDate: ([^\r]*)", function(date) return "\r\nDate: " .. ("x"):rep(#date) end))
end

-- Reads what comes and how it ends. libuv reports a reset as an end if it finds it together with the last bytes, e.g.
-- on a busy machine; so an end counts when it is read twice.
local function hear(tcp, heard)
  local has_ended = false
  local function on_read(trouble, piece)
    if trouble or piece or has_ended then return heard(trouble, piece) end
    has_ended = true
    tcp:read_stop()
    tcp:read_start(on_read)
  end
  tcp:read_start(on_read)
end

--- Opens a connection. Returns it with the functions `send`, `close`, and `read`, which reads until a pattern is found,
--- the peer has closed it, or time is up.
---@param address string
---@return table
function M.connect(address)
  local connection = { bytes = "" }
  local tcp, timer = uv.new_tcp(), uv.new_timer()
  local stopped
  tcp:connect("127.0.0.1", tonumber(address:match(":(%d+)$")), function(problem)
    if problem then
      connection.ending = problem
      return
    end
    tcp:nodelay(true)
    hear(tcp, function(trouble, piece)
      if piece then
        connection.bytes = connection.bytes .. piece
      else
        connection.ending = trouble or "closed"
      end
    end)
  end)
  local function wait(seconds, done)
    stopped = false
    uv.update_time()
    timer:start(seconds * 1000, 0, function() stopped = true end)
    while not done() and not connection.ending and not stopped do uv.run("once") end
  end
  function connection.send(bytes)
    local sent = false
    tcp:write(bytes, function() sent = true end)
    wait(patience, function() return sent end)
  end
  function connection.read(enough, seconds)
    wait(seconds or patience, function() return enough and connection.bytes:find(enough) end)
    local bytes = connection.bytes
    connection.bytes = ""
    return bytes, connection.ending
  end
  function connection.close()
    tcp:close()
    timer:close()
    uv.run("nowait")
  end
  return connection
end

--- Sends bytes and collects the answer until the peer closes the connection, `enough` is found, or time is up. With
--- `quiet`, that many seconds of silence must follow `enough`: then the ending is "open".
---@param address string
---@param bytes string
---@param settings? { enough?: string, least?: integer, quiet?: number, seconds?: number, count_only?: boolean }
--- `least`: bytes that must have come before `enough` counts
---@return { pieces: string[], bytes: string, size: integer, ending: string }
function M.exchange(address, bytes, settings)
  settings = settings or {}
  local result = { pieces = {}, bytes = "", size = 0 }
  local tcp, timer = uv.new_tcp(), uv.new_timer()
  local function finish(ending) result.ending = result.ending or ending end
  local function wait(seconds)
    uv.update_time()
    timer:start(seconds * 1000, 0, function() finish("open") end)
  end
  wait(settings.seconds or patience)
  tcp:connect("127.0.0.1", tonumber(address:match(":(%d+)$")), function(problem)
    if problem then return finish(problem) end
    hear(tcp, function(trouble, piece)
      if trouble then return finish(trouble) end
      if not piece then return finish("closed") end
      if not settings.count_only then result.pieces[#result.pieces + 1] = piece end
      result.bytes = settings.count_only and piece or result.bytes .. piece
      result.size = result.size + #piece
      if not settings.enough or result.size < (settings.least or 0) or not result.bytes:find(settings.enough) then
        return
      end
      if settings.quiet then wait(settings.quiet) else finish("enough") end
    end)
    if bytes ~= "" then tcp:write(bytes) end
  end)
  while not result.ending do uv.run("once") end
  tcp:close()
  timer:close()
  uv.run("nowait")
  return result
end

--- Sends bytes and returns all that comes until the server closes the connection.
---@param server { address: string }
---@param bytes string
---@return string
function M.fetch(server, bytes)
  return M.exchange(server.address, bytes).bytes
end

--- Returns the head and the body of an answer.
---@param bytes string
---@return string? head nil while the head is not complete
---@return string? body
function M.parts(bytes)
  return bytes:match("^(.-\r\n\r\n)(.*)$")
end

--- Tells whether nobody listens on an address any more, after 3,000 tries of a millisecond at most.
---@param address string
---@return boolean
function M.is_gone(address)
  for _ = 1, 3000 do
    local connection = M.connect(address)
    local _, ending = connection.read("never", 0.001)
    connection.close()
    if ending == "ECONNREFUSED" then return true end
  end
  return false
end

return M
