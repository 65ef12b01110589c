-- The strings of longer answers, of which the core keeps the recent ones: each value is still the one that the text
-- says, however alike the strings are.

local json_reader = require "spec.support.json_reader"

local read = json_reader.new()
local SHORT_ESCAPES = { ["\n"] = "\\n", ['"'] = '\\"', ["\\"] = "\\\\", ["\t"] = "\\u0009" }

local function quoted(text, escaped)
  text = text:gsub('[\n"\\\t]', SHORT_ESCAPES)
  if escaped then
    text = text:gsub("^%l", function(letter)
      return ("\\u%04x"):format(letter:byte())
    end)
  end
  return '"' .. text .. '"'
end

-- Strings of all lengths to 45, alike in many ways: they differ in the first, a middle or the last byte.
local function alike()
  local texts = { "" }
  for length = 1, 45 do
    local base = ("m"):rep(length)
    for _, place in ipairs { 1, math.floor(length / 2) + 1, length } do
      for _, letter in ipairs { "a", "b", "\n", '"', "\195\169" } do
        texts[#texts + 1] = base:sub(1, place - 1) .. letter .. base:sub(place + 1)
      end
    end
  end
  return texts
end

describe("the strings of a longer answer", function()
  local texts = alike()

  -- Returns the text of a list of `count` objects, and its value.
  local function objects(count)
    local state, parts, values = 1, {}, {}
    local function pick()
      state = (state * 16807) % 2147483647
      return texts[state % #texts + 1]
    end
    for place = 1, count do
      local members, value = {}, {}
      for number = 1, 8 do
        local name, content = pick(), pick()
        members[number] = quoted(name, place % 3 == 0) .. ":" .. quoted(content, place % 5 == 0)
        value[name] = content
      end
      parts[place], values[place] = "{" .. table.concat(members, ",") .. "}", value
    end
    return "[" .. table.concat(parts, ",") .. "]", values
  end

  for _, count in ipairs { 20, 400, 4000 } do -- below and above the length that is read in slices
    it(("are its own in %d objects"):format(count), function()
      local text, values = objects(count)
      assert.same(values, (read(text)))
    end)
  end

  it("are its own where the same name recurs with and without escapes", function()
    local parts, values = {}, {}
    for place = 1, 300 do
      local value = ("value %d"):format(place % 7)
      parts[place] = "{" .. quoted("name", place % 2 == 0) .. ":" .. quoted(value, place % 3 == 0) .. "}"
      values[place] = { name = value }
    end
    assert.same(values, (read("[" .. table.concat(parts, ",") .. "]")))
  end)

  it("keep all bytes where blocks of them begin and end", function()
    local parts, values = {}, {}
    for length = 0, 70 do
      for _, last in ipairs { "\n", '"', "\\", "\t", "\195\169", "\240\159\152\128", "" } do
        values[#values + 1] = ("x"):rep(length) .. last .. ("y"):rep(length % 19)
        parts[#parts + 1] = quoted(values[#values])
      end
    end
    assert.same(values, (read("[" .. table.concat(parts, ",") .. "]")))
  end)
end)
