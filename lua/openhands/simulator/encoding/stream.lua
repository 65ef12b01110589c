--- Bodies that come bit by bit. A source is a function; each call gives the next piece (a string that is not empty), or
-- a number: nothing yet, ask again in so many seconds, or nil: that was all. Nothing is held that was not asked for.
local M = {}

---@alias openhands.simulator.Source fun(): string|number|nil

--- A body that is there already, in one piece.
---@param text string
---@return openhands.simulator.Source
function M.of(text)
  local left = text ~= "" and text or nil
  return function()
    local piece = left
    left = nil
    return piece
  end
end

--- One source after the other.
---@param sources openhands.simulator.Source[]
---@return openhands.simulator.Source
function M.joined(sources)
  local position = 1
  return function()
    while sources[position] do
      local piece = sources[position]()
      if piece then return piece end
      position = position + 1
    end
  end
end

--- The same filling, again and again, `count` bytes altogether.
---@param filling string
---@param count integer
---@return openhands.simulator.Source
function M.filler(filling, count)
  return function()
    if count <= 0 then return nil end
    local piece = count >= #filling and filling or filling:sub(1, count)
    count = count - #piece
    return piece
  end
end

--- Pieces as chunks of HTTP/1.1.
---@param source openhands.simulator.Source
---@param unfinished? boolean the last chunk, which says that this was all, never comes
---@return openhands.simulator.Source
function M.chunked(source, unfinished)
  local ended = unfinished
  return function()
    local piece = source()
    -- Not by one format: that of Lua 5.1 ends a text at its first NUL.
    if type(piece) == "string" then return ("%x\r\n"):format(#piece) .. piece .. "\r\n" end
    if piece or ended then return piece end
    ended = true
    return "0\r\n\r\n"
  end
end

--- Ends early: after so many pieces, and so many bytes of what follows them.
---@param source openhands.simulator.Source
---@param pieces integer
---@param bytes integer
---@return openhands.simulator.Source
function M.cut(source, pieces, bytes)
  return function()
    if pieces <= 0 and bytes <= 0 then return nil end
    local piece = source()
    if type(piece) ~= "string" then return piece end
    if pieces > 0 then
      pieces = pieces - 1
      return piece
    end
    piece = piece:sub(1, bytes)
    bytes = bytes - #piece
    return piece
  end
end

--- Slowly: pieces of `size` bytes at the most, and `seconds` after each.
---@param source openhands.simulator.Source
---@param size integer
---@param seconds number
---@return openhands.simulator.Source
function M.dripping(source, size, seconds)
  local waiting, rest = false, ""
  return function()
    if waiting then
      waiting = false
      return seconds
    end
    if rest == "" then
      local piece = source()
      if type(piece) ~= "string" then return piece end
      rest = piece
    end
    local piece = rest:sub(1, size)
    rest, waiting = rest:sub(size + 1), true
    return piece
  end
end

--- Stops once, after byte `at`, for some seconds.
---@param source openhands.simulator.Source
---@param at integer
---@param seconds number
---@return openhands.simulator.Source
function M.halting(source, at, seconds)
  local rest
  return function()
    if rest and rest ~= "" then
      local piece = rest
      rest = ""
      return piece
    end
    local piece = source()
    if rest or type(piece) ~= "string" then return piece end
    if at == 0 then
      rest = piece
      return seconds
    end
    local before = piece:sub(1, at)
    at = at - #before
    if #before < #piece then
      source = M.joined { M.of(piece:sub(#before + 1)), source }
    end
    return before
  end
end

--- The whole of it as one string.
---@param source openhands.simulator.Source
---@param pass fun(seconds: number): boolean? lets time pass; true: enough waited
---@return string bytes
---@return boolean complete
function M.whole(source, pass)
  local parts = {}
  while true do
    local piece = source()
    if type(piece) == "string" then
      parts[#parts + 1] = piece
    elseif not piece or pass(piece) then
      return table.concat(parts), not piece
    end
  end
end

return M
