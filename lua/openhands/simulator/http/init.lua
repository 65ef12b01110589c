--- HTTP/1.1 as bytes: parses requests and formats responses. Independent of sockets and of the service.
local ascii = require "openhands.simulator.encoding.ascii"

local M = {}

local reasons = {
  [100] = "Continue", [200] = "OK", [201] = "Created", [204] = "No Content", [301] = "Moved Permanently",
  [302] = "Found", [303] = "See Other", [307] = "Temporary Redirect", [308] = "Permanent Redirect",
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
  [405] = "Method Not Allowed", [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone",
  [413] = "Payload Too Large", [422] = "Unprocessable Entity", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

M.continue = "HTTP/1.1 100 Continue\r\n\r\n"

--- Formats a status line and headers, with the empty line that ends them.
---@param status integer
---@param headers { [1]: string, [2]: string }[]
---@return string
function M.format_head(status, headers)
  local lines = { ("HTTP/1.1 %d %s"):format(status, reasons[status] or "Unknown") }
  for _, header in ipairs(headers) do
    lines[#lines + 1] = header[1] .. ": " .. header[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function has_no_body(status)
  return status == 204 or status == 304 or status < 200
end

--- Formats a whole response: the head, with a Content-Length, and the body. A status without a body (1xx, 204, 304)
-- gets neither.
---@param response { status: integer, headers: table[], body: string, length?: integer }
---@param closes boolean add `Connection: close`
---@return string head
---@return string body
function M.format_response(response, closes)
  local headers = {}
  for _, header in ipairs(response.headers) do
    headers[#headers + 1] = header
  end
  local body = has_no_body(response.status) and "" or response.body
  if not has_no_body(response.status) then
    headers[#headers + 1] = { "Content-Length", tostring(response.length or #body) }
  end
  if closes then
    headers[#headers + 1] = { "Connection", "close" }
  end
  return M.format_head(response.status, headers), body
end

--- Formats the head of a streamed response.
---@param response openhands.simulator.Response
---@param framing { [1]: string, [2]: string }[] the headers that delimit the body
---@return string
function M.format_stream_head(response, framing)
  local headers = {}
  for _, list in ipairs { response.headers, framing } do
    for _, header in ipairs(list) do
      headers[#headers + 1] = header
    end
  end
  return M.format_head(response.status, headers)
end

---@class openhands.simulator.Reader
---@field private _pieces string[]
---@field private _size integer
---@field private _head table? of the request being read
local reader = {}
local metatable = { __index = reader }

--- Creates a parser for the requests of one connection.
---@return openhands.simulator.Reader
function M.reader()
  return setmetatable({ _pieces = {}, _size = 0 }, metatable)
end

--- Appends received bytes.
---@param bytes string
function reader:push(bytes)
  self._pieces[#self._pieces + 1] = bytes
  self._size = self._size + #bytes
end

--- Tells whether part of a request has been received.
---@return boolean
function reader:has_begun()
  return self._head ~= nil or self._size > 0
end

local function read_head(text)
  local method, target, version = text:match("^([A-Z]+) ([^ \t\r\n]+) HTTP/1%.([01])\r\n")
  if not method then
    return nil, "bad request line"
  end
  local path, query = target:match("^([^?]*)%??(.*)$")
  local head = { method = method, target = target, path = path, headers = {}, is_old = version == "0" }
  head.query = target:find("?", 1, true) and query or nil
  for line in text:gmatch("\r\n([^\r\n]+)") do
    local name, value = line:match("^([^: \t\r\n]+):[ \t]*(.-)[ \t\r\n]*$")
    if not name then
      return nil, "bad header line"
    end
    name = ascii.lower(name)
    head.headers[name] = head.headers[name] and head.headers[name] .. ", " .. value or value
  end
  return head
end

-- Joins the buffered bytes. Not called while a body with a Content-Length is incomplete: a large body would be copied
-- with each piece.
local function joined(self)
  local text = table.concat(self._pieces)
  self._pieces = { text }
  return text
end

local function drop(self, text, count)
  self._pieces, self._size = { text:sub(count + 1) }, #text - count
end

-- Decodes the chunks at the start of `text`. Returns the body and the number of bytes used; nil while the body is
-- incomplete; nil, nil and a problem if it is malformed.
local function read_chunks(text)
  local parts, position = {}, 1
  while true do
    local _, line_end, digits = text:find("^(%x+)[^\r\n]*\r\n", position)
    if not digits then
      if text:find("\r\n", position, true) then
        return nil, nil, "bad chunk size"
      end
      return nil
    end
    local size = tonumber(digits, 16) --[[@as integer]]
    if size == 0 then
      local _, trailer_end = text:find("\r\n", line_end + 1, true)
      while trailer_end and text:sub(line_end + 1, trailer_end) ~= "\r\n" do
        line_end = trailer_end
        _, trailer_end = text:find("\r\n", line_end + 1, true)
      end
      return trailer_end and table.concat(parts) or nil, trailer_end
    end
    if #text < line_end + size + 2 then
      return nil
    end
    parts[#parts + 1] = text:sub(line_end + 1, line_end + size)
    position = line_end + size + 3 --[[@as integer]]
  end
end

-- Returns the body of the request `self._head`; nil while it is incomplete, nil and a problem if it is malformed.
local function read_body(self)
  local headers = self._head.headers
  if ascii.lower(headers["transfer-encoding"] or ""):match("chunked") then
    local text = joined(self)
    local body, used, problem = read_chunks(text)
    if body then
      drop(self, text, used)
    end
    return body, problem
  end
  local length = tonumber((headers["content-length"] or "0"):match("^%d+$"))
  if not length then
    return nil, "bad Content-Length"
  end
  if self._size < length then
    return nil
  end
  local text = joined(self)
  drop(self, text, length)
  return text:sub(1, length)
end

--- Removes and returns the next complete request: `{ method, path, query, target, headers, body, is_old }`.
---@return table? request nil while it is incomplete
---@return string? problem if the bytes are not an HTTP request
function reader:request()
  if not self._head then
    if self._size == 0 then
      return nil
    end
    local text = joined(self)
    local _, stop = text:find("\r\n\r\n", 1, true)
    if not stop then
      return nil
    end
    local head, problem = read_head(text:sub(1, stop))
    if not head then
      return nil, problem
    end
    drop(self, text, stop)
    self._head = head
  end
  local body, problem = read_body(self)
  if not body then
    return nil, problem
  end
  local request = self._head
  request.body, self._head = body, nil
  return request
end

--- Tells whether the client waits for `100 Continue` before it sends the body. True at most once per request.
---@return boolean
function reader:awaits_continue()
  local head = self._head
  if not head or head.continued or ascii.lower(head.headers.expect or "") ~= "100-continue" then
    return false
  end
  head.continued = true
  return true
end

--- Tells whether the client asks to close the connection after this request.
---@param request table
---@return boolean
function M.wants_close(request)
  local connection = ascii.lower(request.headers.connection or "")
  return connection == "close" or (request.is_old and connection ~= "keep-alive")
end

return M
