--- Encodes what the command prints as JSON: names in order, numbers in the same form in every locale. Control
--- characters and marks of direction are escaped, so that the text is safe to show in a terminal.

local openhands = require "openhands"

local M = {}

local DEEPEST = 1000 -- tables within tables, as many as an answer may have
local LARGEST_EXACT = 2 ^ 53

local short_escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escaped_byte(character)
  return short_escapes[character] or ("\\u%04x"):format(character:byte())
end

-- Escapes a character of two or three bytes.
local function escaped_character(bytes)
  local first, second, third = bytes:byte(1, 3)
  if not third then
    return ("\\u%04x"):format((first - 0xC0) * 64 + second - 0x80)
  end
  return ("\\u%04x"):format((first - 0xE0) * 4096 + (second - 0x80) * 64 + third - 0x80)
end

--- Returns a text as a JSON string.
---@param text string
---@return string
function M.quoted(text)
  text = text:gsub('[%z\1-\31"\\\127]', escaped_byte)
  if text:find "[\194\226]" then
    text = text:gsub("\194[\128-\159]", escaped_character) -- controls of terminals with eight bits
      :gsub("\226\128[\142\143\168-\174]", escaped_character) -- marks of direction, and separators of lines
      :gsub("\226\129[\166-\169]", escaped_character)
  end
  return '"' .. text .. '"'
end

-- Formats a number; one that JSON cannot have is null.
local function encode_number(number)
  if number ~= number or number - number ~= 0 then
    return "null"
  elseif number % 1 == 0 and number >= -LARGEST_EXACT and number <= LARGEST_EXACT then
    return ("%.0f"):format(number)
  elseif rawget(math, "type") and math.type(number) == "integer" then
    return ("%d"):format(number)
  end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(number)
    if tonumber(text) == number or digits == 17 then
      return (text:gsub("[^0-9eE+-]+", "."))
    end
  end
end

-- Returns whether one name comes before another by their bytes; `<` compares by the host's locale.
local function is_before(one, other)
  for place = 1, math.min(#one, #other) do
    local byte, other_byte = one:byte(place), other:byte(place)
    if byte ~= other_byte then
      return byte < other_byte
    end
  end
  return #one < #other
end

-- The marks of empty lists: ours, which answers have too.
local list_mark = getmetatable(openhands.array {})

local function is_list(value)
  if next(value) ~= nil then
    return rawget(value, 1) ~= nil
  end
  return list_mark ~= nil and getmetatable(value) == list_mark
end

local encode

local function encode_table(value, depth)
  local parts = {}
  if depth > DEEPEST then
    return "null"
  elseif is_list(value) then
    for place = 1, #value do
      parts[place] = encode(rawget(value, place), depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in next, value do
    names[#names + 1] = type(name) == "string" and name or nil
  end
  table.sort(names, is_before)
  for place, name in ipairs(names) do
    parts[place] = M.quoted(name) .. ":" .. encode(rawget(value, name), depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, depth)
  local kind = type(value)
  if kind == "string" then
    return M.quoted(value)
  elseif kind == "number" then
    return encode_number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" then
    return encode_table(value, depth)
  end
  return "null" -- null is a userdata
end

--- Returns a value as JSON in one line. What JSON cannot hold is null.
---@param value any
---@return string
function M.encode(value)
  return encode(value, 1)
end

return M
