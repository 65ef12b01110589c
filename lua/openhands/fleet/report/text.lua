--- Prepares foreign texts for people: well-formed UTF-8, without control characters, of a known width. Answers come
--- from outside: in a terminal they must not move the cursor, anywhere they must not change the order of other texts.

local M = {}

local byte = string.byte

local REPLACEMENT = 0xFFFD

-- Returns the code of the character that begins at a place, and the place after it; for a malformed one the replacement
-- character, and the place after the byte.
local function decode(text, place)
  local first = byte(text, place)
  local size, code, least
  if first < 0x80 then
    return first, place + 1
  elseif first >= 0xC2 and first <= 0xDF then
    size, code, least = 1, first - 0xC0, 0x80
  elseif first >= 0xE0 and first <= 0xEF then
    size, code, least = 2, first - 0xE0, 0x800
  elseif first >= 0xF0 and first <= 0xF4 then
    size, code, least = 3, first - 0xF0, 0x10000
  else
    return REPLACEMENT, place + 1
  end
  for offset = 1, size do
    local next_byte = byte(text, place + offset)
    if not next_byte or next_byte < 0x80 or next_byte > 0xBF then
      return REPLACEMENT, place + 1
    end
    code = code * 64 + next_byte - 0x80
  end
  if code < least or code > 0x10FFFF or (code >= 0xD800 and code <= 0xDFFF) then
    return REPLACEMENT, place + 1
  end
  return code, place + size + 1
end

-- Looks a code up in a list of ranges: the first and last code of each, in order.
local function is_within(ranges, code)
  local low, high = 1, #ranges / 2
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if code < ranges[2 * middle - 1] then
      high = middle - 1
    elseif code > ranges[2 * middle] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

-- Characters without a shape of their own: controls, marks of direction, joiners, selectors of variants, tags.
local INVISIBLE = {
  0x00, 0x1F, 0x7F, 0x9F, 0xAD, 0xAD, 0x61C, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200F,
  0x2028, 0x202E, 0x2060, 0x206F, 0x3164, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFEFF, 0xFFA0, 0xFFA0, 0xFFF0, 0xFFFB,
  0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A, 0xE0000, 0xE0FFF,
}

-- Characters that are drawn over the one before them.
local COMBINING = {
  0x300, 0x36F, 0x483, 0x489, 0x591, 0x5BD, 0x5BF, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7, 0x5C7, 0x610, 0x61A,
  0x64B, 0x65F, 0x670, 0x670, 0x6D6, 0x6DC, 0x6DF, 0x6E4, 0x6E7, 0x6E8, 0x6EA, 0x6ED, 0x900, 0x902, 0x93C, 0x93C,
  0x941, 0x948, 0x94D, 0x94D, 0xE31, 0xE31, 0xE34, 0xE3A, 0xE47, 0xE4E, 0x1AB0, 0x1AFF, 0x1DC0, 0x1DFF,
  0x20D0, 0x20FF, 0x302A, 0x302D, 0x3099, 0x309A, 0xFE20, 0xFE2F,
}

-- Characters that take two columns of a terminal.
local WIDE = {
  0x1100, 0x115E, 0x231A, 0x231B, 0x23E9, 0x23EC, 0x23F0, 0x23F0, 0x23F3, 0x23F3, 0x25FD, 0x25FE, 0x2614, 0x2615,
  0x2648, 0x2653, 0x267F, 0x267F, 0x2693, 0x2693, 0x26A1, 0x26A1, 0x26AA, 0x26AB, 0x26BD, 0x26BE, 0x26C4, 0x26C5,
  0x26CE, 0x26CE, 0x26D4, 0x26D4, 0x26EA, 0x26EA, 0x26F2, 0x26F3, 0x26F5, 0x26F5, 0x26FA, 0x26FA, 0x26FD, 0x26FD,
  0x2705, 0x2705, 0x270A, 0x270B, 0x2728, 0x2728, 0x274C, 0x274C, 0x274E, 0x274E, 0x2753, 0x2755, 0x2757, 0x2757,
  0x2795, 0x2797, 0x27B0, 0x27B0, 0x27BF, 0x27BF, 0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2B55, 0x2B55, 0x2E80, 0x303E,
  0x3041, 0xA4CF, 0xA960, 0xA97F, 0xAC00, 0xD7A3, 0xF900, 0xFAFF, 0xFE10, 0xFE19, 0xFE30, 0xFE6F, 0xFF00, 0xFF60,
  0xFFE0, 0xFFE6, 0x16FE0, 0x18AFF, 0x1AFF0, 0x1B2FF, 0x1F004, 0x1F004, 0x1F0CF, 0x1F0CF, 0x1F18E, 0x1F18E,
  0x1F191, 0x1F19A, 0x1F1E6, 0x1F320, 0x1F32D, 0x1F64F, 0x1F680, 0x1F6FF, 0x1F7E0, 0x1F7F0, 0x1F90C, 0x1F9FF,
  0x1FA70, 0x1FAFF, 0x20000, 0x3FFFD,
}

local PLAIN = "[^\32-\126]" -- finds what a text of one line needs care for
local MOST_COMBINING = 3 -- on one character; more would be drawn over other lines

-- Removes the sequences that control a terminal; what is left of a malformed one is removed as control characters.
local function without_sequences(text)
  text = text:gsub("\27%[[0-?]*[ -/]*[@-~]", "")
  text = text:gsub("\27%][^\7\27]*\7", "")
  return (text:gsub("\27[%]PX^_][^\7\27]*\27\\", ""))
end

-- Returns what stands for an invisible character.
local function visible(code, keeps_lines)
  if code == 10 and keeps_lines then
    return "\n"
  elseif code == 0x2028 or code == 0x2029 or code == 0x85 then
    return keeps_lines and "\n" or " "
  end
  return code >= 9 and code <= 13 and " " or ""
end

local function cleaned(text, keeps_lines)
  if text:find("\27", 1, true) then
    text = without_sequences(text)
  end
  local pieces, place, copied, marks = {}, 1, 1, 0
  while place <= #text do
    local code, after = decode(text, place)
    local replaced
    if code >= 32 and code < 127 then
      after, marks = text:find(PLAIN, after) or #text + 1, 0
    elseif is_within(INVISIBLE, code) then
      replaced = visible(code, keeps_lines)
    elseif code == REPLACEMENT then
      replaced, marks = "\239\191\189", 0
    else
      marks = is_within(COMBINING, code) and marks + 1 or 0
      replaced = marks > MOST_COMBINING and "" or nil
    end
    if replaced then
      pieces[#pieces + 1] = text:sub(copied, place - 1) .. replaced
      copied = after
    end
    place = after
  end
  pieces[#pieces + 1] = text:sub(copied)
  return table.concat(pieces)
end

--- Returns a text as one line without control and invisible characters; runs of blanks become one.
---@param text string
---@return string
function M.line(text)
  if text:find(PLAIN) then
    text = cleaned(text, false)
  end
  return (text:gsub(" +", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- Returns a text without control and invisible characters, but with its line breaks.
---@param text string
---@return string
function M.lines(text)
  if text:find(PLAIN) then
    text = cleaned(text:gsub("\r\n?", "\n"), true)
  end
  return text
end

--- Returns a text as well-formed UTF-8.
---@param text string
---@return string
function M.well_formed(text)
  if not text:find "[\128-\255]" then
    return text
  end
  local pieces, place, from = {}, 1, 1
  while place <= #text do
    local code, after = decode(text, place)
    if code == REPLACEMENT and after == place + 1 then
      pieces[#pieces + 1] = text:sub(from, place - 1) .. "\239\191\189"
      from = after
    end
    place = after
  end
  pieces[#pieces + 1] = text:sub(from)
  return table.concat(pieces)
end

local function width_of(code)
  if code < 0x300 then
    return 1
  end
  return is_within(COMBINING, code) and 0 or is_within(WIDE, code) and 2 or 1
end

--- Returns the number of columns that a cleaned line takes in a terminal.
---@param line string
---@return integer
function M.width(line)
  if not line:find(PLAIN) then
    return #line
  end
  local width, place = 0, 1
  while place <= #line do
    local code
    code, place = decode(line, place)
    width = width + width_of(code)
  end
  return width
end

--- Cuts a cleaned line to a number of columns, and ends it with "…" if something was cut.
---@param line string
---@param most integer columns, at least 1
---@return string
---@return integer width of the result
function M.cut(line, most)
  local width = M.width(line)
  if width <= most then
    return line, width
  end
  local place, taken = 1, 0
  while true do
    local code, after = decode(line, place)
    local wide = width_of(code)
    if taken + wide > most - 1 then
      return line:sub(1, place - 1) .. "\226\128\166", taken + 1
    end
    taken, place = taken + wide, after
  end
end

--- Cuts a text to a number of bytes, at the beginning of a character.
---@param text string well-formed
---@param most integer
---@return string
---@return boolean is_cut
function M.cut_bytes(text, most)
  if #text <= most then
    return text, false
  end
  local last = most
  while last > 0 and byte(text, last + 1) >= 0x80 and byte(text, last + 1) < 0xC0 do
    last = last - 1
  end
  return text:sub(1, last), true
end

--- Calls a function for each character that is invisible, or a mark of direction, with its code, and replaces it by the
--- result.
---@param text string well-formed
---@param replace fun(code: integer): string
---@return string
function M.replace_invisible(text, replace)
  return (text:gsub("[\194-\244][\128-\191]+", function(bytes)
    local code = decode(bytes, 1)
    return is_within(INVISIBLE, code) and replace(code) or nil
  end))
end

--- Returns a number of blanks.
---@param count integer
---@return string
function M.blanks(count)
  return (" "):rep(count)
end

return M
