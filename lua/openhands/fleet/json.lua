--- Encodes values as canonical JSON: equal values have equal texts, with the names of objects sorted. Decodes such
--- texts, so that a value that was stored is the one that comes back: null and empty lists included.

local core = require "openhands.core"
local errors = require "openhands.errors"
local json = require "openhands.display.json"

local M = {}

local DEEPEST = 64 -- tables within tables, as the core allows in a call

--- Returns the canonical JSON of a value. Raises if it has none.
---@type fun(value: any): string
M.encode = json.encoder {
  quoted = json.quoted,
  deepest = DEEPEST,
  replace = function(problem)
    return errors.raise("json: " .. problem)
  end,
}

-- ---- decode ------------------------------------------------------------------------------------------------------

local escaped = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local Malformed = {} -- tells our own error apart from others, e.g. of Ctrl-C

local function malformed(position)
  error(setmetatable({ position = position }, Malformed), 0)
end

---@param code integer
---@return string
local function utf8_of(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  end
  local low = string.char(0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000)) .. low
  end
  return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40) .. low
end

-- Reads the escape after the backslash at `position`. Returns its text, and the position after it.
local function read_escape(text, position)
  local letter = text:sub(position + 1, position + 1)
  if escaped[letter] then
    return escaped[letter], position + 2
  end
  local code = tonumber(text:match("^u(%x%x%x%x)", position + 1) or malformed(position), 16)
  if code < 0xD800 or code > 0xDFFF then
    return utf8_of(code --[[@as integer]]), position + 6
  end
  local second = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", position + 6) or malformed(position), 16)
  return utf8_of((0x10000 + (code - 0xD800) * 0x400 + second - 0xDC00) --[[@as integer]]), position + 12
end

-- Reads the string whose quotation mark is at `position`.
local function read_text(text, position)
  local parts, from = {}, position + 1
  while true do
    local at = text:find('["\\]', from) or malformed(position)
    parts[#parts + 1] = text:sub(from, at - 1)
    if text:byte(at) == 34 then
      return table.concat(parts), at + 1
    end
    parts[#parts + 1], from = read_escape(text, at)
  end
end

local function read_number(text, position)
  local digits = text:match("^-?[0-9][0-9.eE+-]*", position) or malformed(position)
  local value = tonumber(digits)
  if not value then -- the locale has another decimal point
    local point = tostring(0.5):sub(2, -2)
    value = tonumber((digits:gsub("%.", (point:gsub("%%", "%%%%"))))) or malformed(position)
  end
  return value, position + #digits
end

local read

local function skip(text, position)
  return text:find("[^ \t\r\n]", position) or #text + 1
end

-- Reads the items between two brackets, each with `read_item`. Returns the position after the closing one.
local function read_items(text, position, closing, read_item)
  position = skip(text, position + 1)
  if text:sub(position, position) == closing then
    return position + 1
  end
  while true do
    position = skip(text, read_item(position))
    local sign = text:sub(position, position)
    if sign == closing then
      return position + 1
    elseif sign ~= "," then
      malformed(position)
    end
    position = skip(text, position + 1)
  end
end

local function read_list(text, position, depth)
  local list, count = {}, 0
  position = read_items(text, position, "]", function(at)
    count = count + 1
    list[count], at = read(text, at, depth + 1)
    return at
  end)
  return count > 0 and list or core.array(list), position
end

local function read_object(text, position, depth)
  local object = {}
  position = read_items(text, position, "}", function(at)
    if text:byte(at) ~= 34 then
      malformed(at)
    end
    local name
    name, at = read_text(text, at)
    at = skip(text, at)
    if text:byte(at) ~= 58 then
      malformed(at)
    end
    object[name], at = read(text, skip(text, at + 1), depth + 1)
    return at
  end)
  if next(object) == nil and core.object_mark then
    setmetatable(object, core.object_mark)
  end
  return object, position
end

local words = { ["true"] = true, ["false"] = false, null = core.null }

function read(text, position, depth)
  local first = text:sub(position, position)
  if depth > DEEPEST + 1 then
    malformed(position)
  elseif first == '"' then
    return read_text(text, position)
  elseif first == "{" then
    return read_object(text, position, depth)
  elseif first == "[" then
    return read_list(text, position, depth)
  end
  local word = text:match("^[a-z]+", position)
  if not word then
    return read_number(text, position)
  elseif words[word] == nil then
    malformed(position)
  end
  return words[word], position + #word
end

--- Decodes a JSON text. Null is `core.null`, also in objects.
---@param text string
---@return any value
---@return string? problem the text is not JSON
function M.decode(text)
  local good, value, position = pcall(read, text, skip(text, 1), 1)
  if good and skip(text, position) > #text then
    return value
  elseif not good and getmetatable(value) ~= Malformed then
    error(value, 0)
  end
  return nil, ("is not JSON at byte %d"):format(good and position or (value --[[@as table]]).position)
end

return M
