--- Encodes and decodes JSON for the simulator. Deliberately independent of the client's JSON code: a shared decoder
-- would hide its own defects from the specs. Unlike Debian's lua-cjson, it distinguishes `[]` from `{}`, and decodes 7
-- and 7.0 as an integer and a float where Lua has both.
local ascii = require "openhands.simulator.encoding.ascii"

local M = {}

local array_mark = { __name = "openhands.simulator.array" }

--- JSON `null`, in decoded values and in values to encode. A null field differs from an absent one.
M.null = setmetatable({}, {
  __tostring = function() return "null" end,
  __newindex = function() error("null has no fields", 2) end,
})

--- Marks a table as a JSON array. Without the mark, an empty table is encoded as `{}`.
---@param list? table marked itself, not copied
---@return table list
function M.array(list)
  return setmetatable(list or {}, array_mark)
end

--- Returns a value, or JSON null in place of nil.
---@param value any
---@return any
function M.or_null(value)
  if value == nil then
    return M.null
  end
  return value
end

--- Tells whether a value is encoded as an array: a table that was marked, or that has a first element.
---@param value any
---@return boolean
function M.is_array(value)
  return type(value) == "table" and value ~= M.null and (getmetatable(value) == array_mark or value[1] ~= nil)
end

local short_escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape(character)
  return short_escapes[character] or ("\\u%04x"):format(character:byte())
end

local function encode_number(number)
  if number ~= number or number == math.huge or number == -math.huge then
    error("JSON cannot represent " .. tostring(number), 0)
  end
  if number % 1 == 0 and math.abs(number) < 2 ^ 53 then
    return ("%.0f"):format(number)
  end
  local short = ascii.from_number(number, 14)
  return ascii.to_number(short) == number and short or ascii.from_number(number, 17)
end

local encode_value

local function encode_table(value, special)
  local parts = {}
  if M.is_array(value) then
    for index = 1, #value do
      parts[index] = encode_value(value[index], special)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(value) do
    if type(name) ~= "string" then
      error("a name in a JSON object must be a string, not " .. tostring(name), 0)
    end
    names[#names + 1] = name
  end
  table.sort(names, ascii.is_before)
  for index, name in ipairs(names) do
    parts[index] = encode_value(name, special) .. ":" .. encode_value(value[name], special)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode_value(value, special)
  local kind = type(value)
  if kind == "string" then
    return '"' .. value:gsub(special, escape) .. '"'
  end
  if kind == "number" then
    return encode_number(value)
  end
  if kind == "boolean" then
    return tostring(value)
  end
  if value == M.null then
    return "null"
  end
  if kind == "table" then
    return encode_table(value, special)
  end
  error("JSON cannot represent a " .. kind, 0)
end

--- Encodes a value as JSON, with the names of objects sorted. Raises if the value has no JSON form.
---@param value any
---@param form? "bytes" encode every byte above 127 as `\u00XX`, so that a pipe carries strings of any bytes
---@return string
function M.encode(value, form)
  return (encode_value(value, form == "bytes" and '[%z\1-\31\127"\\\128-\255]' or '[%z\1-\31\127"\\]'))
end

local function utf8_bytes(code)
  local char, floor = string.char, math.floor
  if code < 0x80 then
    return char(code)
  end
  if code < 0x800 then
    return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40)
  end
  if code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40, 0x80 + floor(code / 0x40) % 0x40,
    0x80 + code % 0x40)
end

local plain_escapes = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local Malformed = {} -- metatable of decoding errors, which distinguishes them from all other errors

local function malformed(message)
  error(setmetatable({ message }, Malformed))
end

-- Reads the escape whose backslash is directly before `position`. Returns its bytes and the position after it.
local function read_escape(text, position, form)
  local letter = text:sub(position, position)
  if plain_escapes[letter] then
    return plain_escapes[letter], position + 1
  end
  local digits = letter == "u" and text:match("^%x%x%x%x", position + 1)
  if not digits then
    malformed("bad escape at byte " .. position)
  end
  local code = tonumber(digits, 16) --[[@as integer]]
  if form == "bytes" and code < 0x100 then
    return string.char(code), position + 5
  end
  if code >= 0xD800 and code < 0xDC00 then
    local low = text:match("^\\u([dD][c-fC-F]%x%x)", position + 5)
    if not low then
      malformed("lone surrogate at byte " .. position)
    end
    return utf8_bytes(0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00), position + 11
  end
  if code >= 0xDC00 and code < 0xE000 then
    malformed("lone surrogate at byte " .. position)
  end
  return utf8_bytes(code), position + 5
end

local function read_string(text, position, form)
  local parts = {}
  while true do
    local stop = text:find('["\\\1-\31]', position)
    if not stop then
      malformed "string without end"
    end
    parts[#parts + 1] = text:sub(position, stop - 1)
    local character = text:sub(stop, stop)
    if character == '"' then
      return table.concat(parts), stop + 1
    end
    if character ~= "\\" then
      malformed("control character at byte " .. stop)
    end
    parts[#parts + 1], position = read_escape(text, stop + 1, form)
  end
end

local function read_number(text, position)
  local whole = text:match("^-?%d+", position)
  if not whole or whole:match("^-?0%d") then
    malformed("bad number at byte " .. position)
  end
  local rest = position + #whole
  local fraction = text:match("^%.%d+", rest) or ""
  local exponent = text:match("^[eE][+-]?%d+", rest + #fraction) or ""
  return ascii.to_number(whole .. fraction .. exponent), rest + #fraction + #exponent
end

local function skip_space(text, position)
  return text:find("[^ \t\r\n]", position) or #text + 1
end

local words = { t = { "true", true }, f = { "false", false }, n = { "null", M.null } }
local deepest = 500
local read_value

-- Reads members up to the bracket `close`; `read_member` reads one and returns the position after it.
local function read_members(text, position, close, read_member)
  position = skip_space(text, position)
  if text:sub(position, position) == close then
    return position + 1
  end
  while true do
    position = skip_space(text, read_member(position))
    local separator = text:sub(position, position)
    if separator == close then
      return position + 1
    end
    if separator ~= "," then
      malformed("expected , or " .. close .. " at byte " .. position)
    end
    position = skip_space(text, position + 1)
  end
end

local function read_object(text, start, form, depth)
  local object = {}
  return object, read_members(text, start, "}", function(position)
    if text:sub(position, position) ~= '"' then
      malformed("expected a name at byte " .. position)
    end
    local name, after = read_string(text, position + 1, form)
    after = skip_space(text, after)
    if text:sub(after, after) ~= ":" then
      malformed("expected : at byte " .. after)
    end
    object[name], after = read_value(text, after + 1, form, depth)
    return after
  end)
end

local function read_array(text, start, form, depth)
  local list, size = M.array(), 0
  return list, read_members(text, start, "]", function(position)
    local after
    size = size + 1
    list[size], after = read_value(text, position, form, depth)
    return after
  end)
end

function read_value(text, position, form, depth)
  if depth > deepest then
    malformed "nested too deep"
  end
  position = skip_space(text, position)
  local character = text:sub(position, position)
  if character == "{" then
    return read_object(text, position + 1, form, depth + 1)
  end
  if character == "[" then
    return read_array(text, position + 1, form, depth + 1)
  end
  if character == '"' then
    return read_string(text, position + 1, form)
  end
  local word = words[character]
  if word and text:sub(position, position + #word[1] - 1) == word[1] then
    return word[2], position + #word[1]
  end
  return read_number(text, position)
end

--- Decodes exactly one JSON document; anything after it is an error.
---@param text string
---@param form? "bytes" reverses `encode(value, "bytes")`: `\u0080` to `\u00ff` are single bytes
---@return any value nil and a message if the text is not JSON; `M.null` for null
---@return string? message
function M.decode(text, form)
  if text:find("\0", 1, true) then
    return nil, "NUL byte"
  end
  local read, value, after = pcall(read_value, text, 1, form, 0) --[[@as boolean, any, integer]]
  if not read and getmetatable(value) == Malformed then
    return nil, value[1]
  end
  if not read then
    error(value, 0)
  end
  if skip_space(text, after) <= #text then
    return nil, "text after the end at byte " .. after
  end
  return value
end

return M
