--- Measures and cuts lines of text by the columns that they take in a terminal.

local characters = require "openhands.display.characters"

local M = {}

local PLAIN = "[^\32-\126]" -- finds what takes other than one column

local function width_of(code)
  if code < 0x300 then
    return 1
  end
  return characters.is_combining(code) and 0 or characters.is_wide(code) and 2 or 1
end

--- Returns the number of columns that a line takes in a terminal. The line must be clean, see text.lua.
---@param line string
---@return integer columns
function M.width(line)
  if not line:find(PLAIN) then
    return #line
  end
  local width, place = 0, 1
  while place <= #line do
    local code
    code, place = characters.decode(line, place)
    width = width + width_of(code)
  end
  return width
end

--- Cuts a clean line to a number of columns, and ends it with "…" if something was cut.
---@param line string
---@param columns integer
---@param ascii boolean? ends it with "~" instead
---@return string line
---@return integer width of the result
function M.truncate(line, columns, ascii)
  if columns < 1 then
    return "", 0
  end
  if #line <= columns then -- no character takes more columns than bytes
    return line, M.width(line)
  end
  local place, taken, kept, width = 1, 0, 0, 0
  while place <= #line do
    local code, after = characters.decode(line, place)
    taken = taken + width_of(code)
    if taken <= columns - 1 then
      kept, width = after - 1, taken
    elseif taken > columns then
      return line:sub(1, kept) .. (ascii and "~" or "\226\128\166"), width + 1
    end
    place = after
  end
  return line, taken
end

--- Fills a clean line with blanks to a number of columns, or cuts it to them.
---@param line string
---@param columns integer
---@param at_left boolean? puts the blanks before the line
---@param ascii boolean? as for `truncate`
---@return string
function M.fit(line, columns, at_left, ascii)
  local width
  line, width = M.truncate(line, columns, ascii)
  local blanks = (" "):rep(math.max(columns, 0) - width)
  return at_left and blanks .. line or line .. blanks
end

return M
