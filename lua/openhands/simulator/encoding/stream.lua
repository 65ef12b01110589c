--- Byte streams, and combinators for them. A stream is a function: each call returns the next piece (a non-empty
-- string), a number (no data yet: call again after that many seconds), or nil at the end. Nothing is read ahead.
local M = {}

---@alias openhands.simulator.Stream fun(): string|number|nil

--- Streams a string in one piece.
---@param text string
---@return openhands.simulator.Stream
function M.from_string(text)
  local left = text ~= "" and text or nil
  return function()
    local piece = left
    left = nil
    return piece
  end
end

--- Concatenates streams.
---@param streams openhands.simulator.Stream[]
---@return openhands.simulator.Stream
function M.concat(streams)
  local position = 1
  return function()
    while streams[position] do
      local piece = streams[position]()
      if piece then
        return piece
      end
      position = position + 1
    end
  end
end

--- Repeats a string until `count` bytes are streamed.
---@param text string
---@param count integer
---@return openhands.simulator.Stream
function M.repeated(text, count)
  return function()
    if count <= 0 then
      return nil
    end
    local piece = count >= #text and text or text:sub(1, count)
    count = count - #piece
    return piece
  end
end

--- Encodes each piece as a chunk of HTTP/1.1.
---@param stream openhands.simulator.Stream
---@param unfinished? boolean omit the last chunk, which marks the end
---@return openhands.simulator.Stream
function M.chunked(stream, unfinished)
  local ended = unfinished
  return function()
    local piece = stream()
    -- The piece is not formatted with %s: Lua 5.1 would end it at its first NUL.
    if type(piece) == "string" then
      return ("%x\r\n"):format(#piece) .. piece .. "\r\n"
    end
    if piece or ended then
      return piece
    end
    ended = true
    return "0\r\n\r\n"
  end
end

--- Cuts a stream after `pieces` pieces and `bytes` further bytes.
---@param stream openhands.simulator.Stream
---@param pieces integer
---@param bytes integer
---@return openhands.simulator.Stream
function M.truncated(stream, pieces, bytes)
  return function()
    if pieces <= 0 and bytes <= 0 then
      return nil
    end
    local piece = stream()
    if type(piece) ~= "string" then
      return piece
    end
    if pieces > 0 then
      pieces = pieces - 1
      return piece
    end
    piece = piece:sub(1, bytes)
    bytes = bytes - #piece
    return piece
  end
end

--- Slows a stream down: pieces of at most `size` bytes, with a pause after each.
---@param stream openhands.simulator.Stream
---@param size integer
---@param seconds number
---@return openhands.simulator.Stream
function M.slowed(stream, size, seconds)
  local waiting, rest = false, ""
  return function()
    if waiting then
      waiting = false
      return seconds
    end
    if rest == "" then
      local piece = stream()
      if type(piece) ~= "string" then
        return piece
      end
      rest = piece
    end
    local piece = rest:sub(1, size)
    rest, waiting = rest:sub(size + 1), true
    return piece
  end
end

--- Pauses a stream once, after byte `at`.
---@param stream openhands.simulator.Stream
---@param at integer
---@param seconds number
---@return openhands.simulator.Stream
function M.paused(stream, at, seconds)
  local rest
  return function()
    if rest and rest ~= "" then
      local piece = rest
      rest = ""
      return piece
    end
    local piece = stream()
    if rest or type(piece) ~= "string" then
      return piece
    end
    if at == 0 then
      rest = piece
      return seconds
    end
    local before = piece:sub(1, at)
    at = at - #before
    if #before < #piece then
      stream = M.concat { M.from_string(piece:sub(#before + 1)), stream }
    end
    return before
  end
end

--- Reads a stream to its end.
---@param stream openhands.simulator.Stream
---@param pass fun(seconds: number): boolean? lets time pass; returns true to give up
---@return string bytes
---@return boolean complete false if `pass` gave up
function M.read_all(stream, pass)
  local parts = {}
  while true do
    local piece = stream()
    if type(piece) == "string" then
      parts[#parts + 1] = piece
    elseif not piece or pass(piece) then
      return table.concat(parts), not piece
    end
  end
end

return M
