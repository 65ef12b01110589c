--- Encodes values as JSON in one line: names in the order of their bytes, numbers in the same form in every locale.

local core = require "openhands.core"

local M = {}

local LARGEST_EXACT = 2 ^ 53

local short_escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escaped(character)
  return short_escapes[character] or ("\\u%04x"):format(character:byte())
end

--- Returns a text as a JSON string. Only what JSON demands is escaped.
---@param text string
---@return string
function M.quoted(text)
  return '"' .. text:gsub('[%z\1-\31"\\]', escaped) .. '"'
end

-- Formats a finite number with a point in every locale. A whole number is written without one, whatever its type.
local function number_text(number)
  if number % 1 == 0 and number >= -LARGEST_EXACT and number <= LARGEST_EXACT then
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

-- Returns whether a table is a list. Of the marks that the core accepts, all but one are those of lists.
local function is_list(value)
  if next(value) ~= nil then
    return rawget(value, 1) ~= nil
  end
  local mark = getmetatable(value)
  return mark ~= nil and mark ~= core.object_mark
end

local encode

local function encode_table(value, options, depth)
  if depth > options.deepest then
    return options.replace(("is nested deeper than %d tables"):format(options.deepest))
  end
  local parts = {}
  if is_list(value) then
    for place = 1, #value do
      parts[place] = encode(rawget(value, place), options, depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in next, value do
    if type(name) == "string" then
      names[#names + 1] = name
    else
      options.replace(("a name in an object must be a string, not a %s"):format(type(name)))
    end
  end
  table.sort(names, core.is_before)
  for place, name in ipairs(names) do
    parts[place] = options.quoted(name) .. ":" .. encode(rawget(value, name), options, depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, options, depth)
  local kind = type(value)
  if kind == "string" then
    return options.quoted(value)
  elseif kind == "number" then
    local is_finite = value - value == 0
    return is_finite and number_text(value) or options.replace "a number is not finite"
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" then
    return encode_table(value, options, depth)
  elseif kind == "userdata" then -- null, ours or the one of another module for JSON
    return "null"
  end
  return options.replace(("a %s has no form in JSON"):format(kind))
end

--- Makes a function that returns a value as JSON.
---@param options { quoted: (fun(text: string): string), deepest: integer, replace: (fun(problem: string): string) }
--- `deepest`: tables within tables. `replace`: is told of each value or name that JSON cannot hold; raises, or returns
--- what is written for the value, while the name is left out
---@return fun(value: any): string
function M.encoder(options)
  return function(value)
    return encode(value, options, 1)
  end
end

return M
