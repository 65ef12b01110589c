--- Compares our JSON reader with lua-cjson: where both read a text, their values must be equal, and where only one of
--- them reads it, there must be a named reason.
local cjson = require "cjson"
local core = require "openhands.core"
local json_reader = require "spec.support.json_reader"

local M = {}

local theirs = cjson.new()
pcall(theirs.decode_invalid_numbers, false)
pcall(theirs.decode_max_depth, 1000)
pcall(theirs.decode_array_with_array_mt, false)

-- ---- what is the same --------------------------------------------------------------------------------------------

local LIST_MARK = getmetatable(core.array {})

-- We mark empty lists, which their values do not tell from empty objects.
local function is_marked_well(ours)
  local mark = getmetatable(ours)
  return mark == nil or mark == LIST_MARK and next(ours) == nil
end

-- We read integers exactly where lua-cjson rounds them or stops at a bound.
local function same_number(ours, other)
  if type(ours) == "string" then
    local value = ours:find "^%-?%d+$" and tonumber(ours)
    return value ~= nil and (value + 0.0 == other + 0.0 or math.abs(other) >= 2 ^ 63 - 1024 and #ours > 18)
  end
  return type(ours) == "number" and (ours == other or ours + 0.0 == other + 0.0)
end

local function same(ours, other)
  if type(other) == "table" then
    if type(ours) ~= "table" then return false end
    for name, item in pairs(other) do
      local absent = item == cjson.null and type(name) == "string"
      if absent and ours[name] ~= nil or not absent and not same(ours[name], item) then return false end
    end
    for name in pairs(ours) do
      if other[name] == nil then return false end
    end
    return is_marked_well(ours)
  elseif other == cjson.null then
    return ours == core.null
  elseif type(other) == "number" then
    return same_number(ours, other)
  end
  return type(ours) == type(other) and ours == other
end

-- ---- what may differ ---------------------------------------------------------------------------------------------

-- Replaces escapes of lone surrogates by U+FFFD; returns the text and how many there were.
local function without_halves(text)
  local count = 0
  local function unit(at)
    local digits = text:match("^\\u(%x%x%x%x)", at)
    return digits and tonumber(digits, 16)
  end
  local pieces, at = {}, 1
  while true do
    local found = text:find("\\", at, true)
    if not found then break end
    local first, width = unit(found), 2
    local replaced
    if first and first >= 0xD800 and first <= 0xDFFF then
      local second = unit(found + 6)
      if first <= 0xDBFF and second and second >= 0xDC00 and second <= 0xDFFF then
        width = 12
      else
        width, replaced, count = 6, "\\uFFFD", count + 1
      end
    end
    pieces[#pieces + 1] = text:sub(at, found - 1)
    pieces[#pieces + 1] = replaced or text:sub(found, found + width - 1)
    at = found + width
  end
  return table.concat(pieces) .. text:sub(at), count
end

-- Tells whether bytes are UTF-8, by the definition and not by the code of the core.
local function is_utf8(text)
  local at = 1
  while true do
    at = text:find("[\128-\255]", at)
    if not at then return true end
    local first = text:byte(at)
    local more = first >= 0xC2 and first <= 0xDF and 1 or first >= 0xE0 and first <= 0xEF and 2
      or first >= 0xF0 and first <= 0xF4 and 3
    local rest = more and text:match("^" .. ("[\128-\191]"):rep(more), at + 1)
    if not rest then return false end
    local code = first % 2 ^ (6 - more)
    for i = 1, more do code = code * 64 + rest:byte(i) % 64 end
    local least = more == 1 and 0x80 or more == 2 and 0x800 or 0x10000
    if code < least or code > 0x10FFFF or code >= 0xD800 and code <= 0xDFFF then return false end
    at = at + 1 + more
  end
end

-- Tells whether a text without its strings has a number that JSON's grammar does not allow.
local function has_lax_number(bare)
  for number in bare:gmatch "[-+.%w]+" do
    if number:find "^[-+.]*%d" then
      local rest = number:match "^%-?0(.*)$" or number:match "^%-?[1-9]%d*(.*)$"
      rest = rest and (rest:match "^%.%d+(.*)$" or rest)
      rest = rest and (rest:match "^[eE][-+]?%d+(.*)$" or rest)
      if rest ~= "" then return true end
    end
  end
  return false
end

-- Returns why lua-cjson reads a text that is not JSON.
local function laxness(text)
  if not is_utf8(text) then return "bad UTF-8" end
  local control = false
  local bare = text:gsub("\\.", ""):gsub('"[^"]*"', function(inner)
    control = control or inner:find "[%z\1-\31]" ~= nil
    return '""'
  end)
  if control then return "a control character in a string" end
  if bare:find("\0", 1, true) then return "something behind a NUL" end
  return has_lax_number(bare) and "a number that JSON does not have" or nil
end

-- ---- texts -------------------------------------------------------------------------------------------------------

-- Pseudo-random numbers, the same in every Lua.
local function generator(seed)
  return function(most)
    seed = seed * 16807 % 2147483647
    return seed % most + 1
  end
end

local pieces = {
  "{", "}", "[", "]", ",", ":", '"', "\\", "null", "true", "false", "0", "-", "1", "9", ".", "e", "E", "+", " ", "\n",
  "\t", "\\u", "\\ud83d", "\\ude42", "\\n", "\\\"", "\\/", "\\x", "\195\169", "\240\159\153\130", "\237\160\128",
  "\192", "\255", "\0", "\31", "\127", "1e5", "-0", "1.5", "1E-7", "123456789012345678901", "9007199254740993", "1e400",
  "0.1",
  '"a":', '"a":null', '{"a":1}', "[]", "{}", '""', "[1,2]", "nul", "0x1", "01", "1.", ".5",
  "\239\187\191", "\f", "/",
}

local function mutated(random, texts)
  local text = texts[random(#texts)]
  if #text > 400 then
    local from = random(#text - 300)
    text = text:sub(from, from + random(300))
    local open = text:find "[{%[]"
    text = open and text:sub(open) or text
  end
  for _ = 1, random(4) - 1 do
    local from, length = random(#text + 1), random(4) - 1
    local act = random(6)
    if act == 1 then
      text = text:sub(1, from - 1) .. text:sub(from + length)
    elseif act == 2 then
      text = text:sub(1, from - 1) .. text:sub(from, from + 3 * length) .. text:sub(from)
    elseif act == 3 and #text > 0 then
      text = text:sub(1, from - 1) .. string.char(random(256) - 1) .. text:sub(from + 1)
    elseif act == 4 then
      text = text:sub(1, from)
    else
      text = text:sub(1, from - 1) .. pieces[random(#pieces)] .. text:sub(from + length)
    end
  end
  return text
end

local scalars = {
  "null", "true", "false", "0", "-1", "1.5", "1e3", "-0.0", "9007199254740993", "12345678901234567890", '""', '"a"',
  '"\\u00e9\\n"', '"\\ud83d\\ude42"', '"\\ud83d"', '"\195\169"', "[]", "{}", "5e-324", "1.7976931348623157e308",
  '"0123456789abcdef\\t0123456789"',
}

-- Makes a JSON text of a few values.
local function made(random, depth)
  local kind = depth > 0 and random(4) or 4
  local items = {}
  if kind > 2 then return scalars[random(#scalars)] end
  for i = 1, random(5) - 1 do
    local item = made(random, depth - 1)
    items[i] = kind == 1 and ('"%s":%s'):format(string.char(96 + random(4)), item) or item
  end
  local blank = random(3) == 1 and " " or ""
  return ((kind == 1 and "{%s}" or "[%s]"):format(table.concat(items, "," .. blank)))
end

-- ---- the comparison ----------------------------------------------------------------------------------------------

--- Reads a text with both readers.
---@param read fun(text: string): any, table?
---@param text string
---@return string what "same", "refused" by both, or the name of a difference; raises for one that has none
function M.compare(read, text)
  local ours, err = read(text)
  if err and err.kind ~= "protocol" then error(("%s for %q"):format(err.kind, text)) end
  local good, other = pcall(theirs.decode, text)
  if err and not good then
    return "refused"
  elseif err then
    return laxness(text) or error(("only lua-cjson reads %q"):format(text))
  elseif good then
    return same(ours, other) and "same" or error(("another value for %q"):format(text))
  end
  local plain, halves = without_halves(text)
  good, other = pcall(theirs.decode, plain)
  if halves > 0 and good and same(ours, other) then return "half a pair of surrogates" end
  error(("lua-cjson does not read %q"):format(text))
end

--- Compares the readers on texts, and on mutations of these texts.
---@param texts string[]
---@param count integer of mutations
---@return table<string, integer> how often each outcome came
function M.run(texts, count)
  local read, random, tally = json_reader.new { max_memory = 2000000000 }, generator(20071), {}
  local all = {}
  local function note(text)
    if not text:find "%S" then return end -- the core reads an empty answer by rules of its own
    local outcome = M.compare(read, text)
    tally[outcome] = (tally[outcome] or 0) + 1
  end
  for i, text in ipairs(texts) do
    all[i] = text
    note(text)
  end
  for _ = 1, 60 do all[#all + 1] = made(random, 4) end
  for i = 1, count do
    if i % 2 == 0 then all[random(#all - #texts) + #texts] = made(random, 4) end
    note(mutated(random, all))
  end
  return tally
end

return M
