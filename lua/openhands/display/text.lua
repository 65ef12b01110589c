--- Prepares foreign texts for people: well-formed UTF-8, without control characters. Answers come from outside: in a
--- terminal they must not move the cursor, anywhere they must not change the order of other texts.

local characters = require "openhands.display.characters"

local M = {}

local byte, decode = string.byte, characters.decode
local REPLACEMENT = characters.REPLACEMENT
local REPLACEMENT_BYTES = "\239\191\189"

local PLAIN = "[^\32-\126]" -- finds what a text of one line needs care for
local BEYOND_ASCII = "[\128-\255]"
local MOST_COMBINING = 3 -- on one character; more would be drawn over other lines

-- Removes the sequences that control a terminal; what is left of a malformed one is removed as control characters. No
-- sequence goes beyond its line: it could hide whole lines.
local function without_sequences(text)
  text = text:gsub("\27%[[0-?]*[ -/]*[@-~]", "")
  text = text:gsub("\27%][^\7\27\r\n]*\7", "")
  return (text:gsub("\27[%]PX^_][^\7\27\r\n]*\27\\", ""))
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

-- Returns a text with some of the characters replaced that begin with a byte of the set `bytes`. `replace` is given the
-- code of each, its place, the place after it, and whether it follows the one before at once; nil keeps it.
local function replaced(text, bytes, replace)
  local pieces, copied, last = {}, 1, nil
  local place = text:find(bytes)
  while place do
    local code, after = decode(text, place)
    local replacement = replace(code, place, after, place == last)
    if replacement then
      pieces[#pieces + 1] = text:sub(copied, place - 1) .. replacement
      copied = after
    end
    place, last = text:find(bytes, after), after
  end
  pieces[#pieces + 1] = text:sub(copied)
  return table.concat(pieces)
end

local function cleaned(text, keeps_lines)
  if text:find("\27", 1, true) then
    text = without_sequences(text)
  end
  local marks = 0
  return replaced(text, PLAIN, function(code, _, _, follows)
    marks = follows and marks or 0
    if characters.is_invisible(code) then
      return visible(code, keeps_lines)
    end
    marks = characters.is_combining(code) and marks + 1 or 0
    return code == REPLACEMENT and REPLACEMENT_BYTES or marks > MOST_COMBINING and "" or nil
  end)
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

-- Returns what shows a character of which nothing, or nothing good, would be seen; nil for others.
local function mark_of(code, marks, bytes)
  if code < 32 or code == 127 then
    return code ~= 9 and code ~= 10 and "^" .. string.char(code == 127 and 63 or code + 64) or nil
  elseif code == REPLACEMENT and #bytes == 1 then
    return ("<%02X>"):format(byte(bytes))
  end
  return (characters.is_invisible(code) or marks > MOST_COMBINING) and ("<U+%04X>"):format(code) or nil
end

--- Returns a text in which nothing is hidden: marks such as `^M`, `<U+2028>` and `<FF>` stand for control characters,
--- invisible ones and malformed bytes. Only "\n" ends a line; tabs stay.
---@param text string
---@return string
function M.revealed(text)
  local marks = 0
  return replaced(text, PLAIN, function(code, place, after, follows)
    marks = characters.is_combining(code) and (follows and marks or 0) + 1 or 0
    return mark_of(code, marks, text:sub(place, after - 1))
  end)
end

--- Returns a text as well-formed UTF-8.
---@param text string
---@return string
function M.well_formed(text)
  if not text:find(BEYOND_ASCII) then
    return text
  end
  return replaced(text, BEYOND_ASCII, function(code, place, after)
    return code == REPLACEMENT and after == place + 1 and REPLACEMENT_BYTES or nil
  end)
end

--- Returns a clean text in ASCII: "?" stands for each other character.
---@param text string
---@return string
function M.ascii(text)
  if not text:find(BEYOND_ASCII) then
    return text
  end
  return (text:gsub("\226\128\166", "~"):gsub("[\194-\244][\128-\191]*", "?"):gsub(BEYOND_ASCII, "?"))
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
    return characters.is_invisible(code) and replace(code) or nil
  end))
end

return M
