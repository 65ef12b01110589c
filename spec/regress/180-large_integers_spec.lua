-- An integer above 2^53 was rounded to another one. It must be returned exactly, or as a string of its digits.

local json_reader = require "spec.support.json_reader"

local HAS_INTEGERS = math.type ~= nil

describe("an integer", function()
  local read = json_reader.new()

  -- What it is where the Lua has integers of 64 bits, and where all its numbers are floats.
  local function check(digits, with_integers, with_floats)
    local expected = with_floats
    if HAS_INTEGERS then expected = with_integers end
    for text, value in pairs {
      [digits] = read(digits),
      ["[" .. digits .. "]"] = read("[" .. digits .. "]")[1],
      ['{"a":' .. digits .. "}"] = read('{"a":' .. digits .. "}").a,
    } do
      assert.equal(type(expected), type(value), text)
      assert.equal(expected, value, text)
      if HAS_INTEGERS and type(value) == "number" then assert.equal("integer", math.type(value), text) end
    end
  end

  it("up to 2^53 is a number everywhere", function()
    for _, digits in ipairs { "9007199254740991", "-9007199254740991", "9007199254740992", "-9007199254740992" } do
      check(digits, tonumber(digits), tonumber(digits))
    end
  end)

  it("above 2^53 is a number only where Lua's integers have 64 bits", function()
    for _, digits in ipairs {
      "9007199254740993", "-9007199254740993", "1234567890123456789", "9223372036854775807", "-9223372036854775808",
    } do
      check(digits, tonumber(digits), digits)
    end
  end)

  it("of 2^63 or more is a string", function()
    for _, digits in ipairs {
      "9223372036854775808", "-9223372036854775809", "9999999999999999999", "18446744073709551616",
      "123456789012345678901234567890", "-123456789012345678901234567890", "1" .. ("0"):rep(1000), ("7"):rep(100000),
    } do
      check(digits, digits, digits)
    end
  end)
end)
