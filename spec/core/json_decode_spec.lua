-- What a text of the service becomes: every rule of JSON's grammar, the edges of numbers and characters, the bounds.

local core = require "openhands.core"
local json_reader = require "spec.support.json_reader"

local HAS_INTEGERS = math.type ~= nil
local read = json_reader.new()

local function kind_of(text)
  local value, err = read(text)
  assert.is_nil(value, text)
  return err.kind, err.reason
end

local function refused(text)
  assert.equal("protocol", (kind_of(text)), text)
end

-- The float that Lua's own reader makes of it.
-- As Lua reads it, in whatever way the locale writes a fraction.
local function lua_number(text)
  local point = ("%.1f"):format(0.5):match "0(.+)5"
  return assert(tonumber(text) or tonumber((text:gsub("%.", point))))
end

describe("the reader of answers", function()
  it("reads each kind of value", function()
    assert.same({
      text = "x", yes = true, no = false, whole = 7, part = 0.5, list = { 1, "a", { b = {} }, {} }, object = { a = 1 },
    }, read [[
      { "text" : "x", "yes":true,"no":false , "whole":7,"part":0.5,
        "list":[1,"a",{"b":[]},{}], "object":{"a":1}, "none":null }
    ]])
    assert.equal("x", (read ' \t\r\n"x" \t\r\n'))
    assert.equal("", (read '""'))
    assert.is_true((read "true"))
    assert.is_false((read "false"))
    assert.equal(core.null, (read "null"))
    assert.same({}, (read "[]"))
    assert.same({}, (read "{}"))
  end)

  it("leaves nulls out of objects and keeps them in lists", function()
    assert.same({ core.null, 1, core.null, { b = 1 } }, (read '[null,1,null,{"a":null,"b":1}]'))
  end)

  it("takes the last of two members with one name", function()
    assert.same({ a = 2 }, (read '{"a":1,"a":2}'))
    assert.same({ a = 2 }, (read '{"a":null,"a":2}'))
    assert.same({ b = 1 }, (read '{"a":1,"b":1,"a":null}'))
    assert.same({ a = {} }, (read '{"a":1,"\\u0061":[]}'))
  end)

  it("marks empty lists, and no other table", function()
    local value, mark = read '[[],{},[1],{"a":1},[ ]]', getmetatable(core.array {})
    assert.is_nil(getmetatable(value))
    for i = 2, 4 do assert.is_nil(getmetatable(value[i])) end
    assert.is_table(mark)
    assert.equal(mark, getmetatable(value[1]))
    assert.equal(mark, getmetatable(value[5]))
    assert.equal(mark, getmetatable((read "[]")))
  end)

  it("refuses text that is not JSON", function()
    for _, text in ipairs {
      "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1;2]", "[1}", "[[]", "[]]",
      "[]1", "[] []", "{]", "[}", '{"a"}', '{"a":}', '{"a":1', '{"a":1,', '{"a":1,}', "{,}", '{,"a":1}', '{"a" 1}',
      '{"a":1 "b":2}', '{"a":1,,"b":2}', '{"a"::1}', "{a:1}", "{1:1}", "{null:1}", "{'a':1}", '{"a":1}}', '{"a":1}x',
      "[:]", '["a":1]', '{"a",1}', ",", ":", "1,", "1,5", "nul", "nulll", "Null", "NULL", "tru", "truee", "True",
      "fals",
      "t",
      "falsey", "undefined", "NaN", "nan", "-nan", "Infinity", "-Infinity", "inf", "'a'", "a", "#", "// x\n1", "1 // x",
      "/* x */1", "1#", "\239\187\191[]", "\f1", "\v1", "\194\1601", "1\0", "\0", "\0001", "[\0]", "<a>", "(1)",
      "[1]\0",
      "\255\254[\0]\0", "[\0]\0",
    } do
      refused(text)
    end
  end)

  it("refuses invalid numbers", function()
    for _, text in ipairs {
      "-", "+1", "--1", "-+1", ".5", "-.5", "5.", "5.e1", "-5.", "01", "-01", "00", "-00", "001.5", "1e", "1e+", "1e-",
      "1E", "1ee1", "1e1.5", "1.2.3", "1.5e", "0x10", "0x", "1_000", "1 000", "1f", "1d", "1L", "1e5x", "0e", "0.",
      "1-", "1+1", "- 1", "\239\188\145",
    } do
      refused(text)
      refused("[" .. text .. "]")
    end
  end)

  it("refuses invalid strings", function()
    for _, text in ipairs {
      '"', '"a', 'a"', '"\\"', '"\\', '"\\x"', '"\\a"', '"\\v"', '"\\0"', "\"\\'\"", '"\\U0041"', '"\\u"', '"\\u0"',
      '"\\u00"', '"\\u004"', '"\\u004g"', '"\\u-041"', '"\\u 041"', '"\\u+041"', '"\\ud800\\u"', '"\\ud800\\ux"',
      '"\\\0"', '"\0"', '"a\nb"', '"a\tb"', '"\r"', '"\1"', '"\31"', '"12345678\n"', '"1234567\0"', '"a" "b"', '"a"b',
      '"1234567\\"', '"\\\n"', '"\\\195\169"',
    } do
      refused(text)
      refused("[" .. text .. "]")
      refused("{" .. text .. ":1}")
    end
  end)

  it("refuses invalid UTF-8", function()
    for _, bytes in ipairs {
      "\128", "\191", "\192\128", "\193\191", "\194", "\194a", "\224\128\128", "\224\159\191", "\224\160",
      "\237\160\128",
      "\237\191\191", "\240\128\128\128", "\240\143\191\191", "\240\144\128", "\244\144\128\128", "\245\128\128\128",
      "\248\136\128\128\128", "\255", "\254", "\195\40",
    } do
      refused('"' .. bytes .. '"')
      refused('"123456' .. bytes .. 'abcdefgh"')
      refused('{"' .. bytes .. '":1}')
      refused("[" .. bytes .. "]")
    end
  end)

  it("reads characters of every length and every escape", function()
    for _, character in ipairs {
      "\127", "\194\128", "\223\191", "\224\160\128", "\236\191\191", "\237\159\191", "\238\128\128", "\239\191\191",
      "\240\144\128\128", "\244\143\191\191", "\239\187\191",
    } do
      for before = 0, 9 do
        local text = ("x"):rep(before) .. character .. "y"
        assert.equal(text, (read('"' .. text .. '"')))
        assert.equal(text .. "\n", (read('"' .. text .. '\\n"')))
      end
    end
    assert.equal('"\\/\b\f\n\r\t', (read [["\"\\\/\b\f\n\r\t"]]))
    assert.equal("A\0\195\169\226\130\172\240\159\153\130", (read [["\u0041\u0000\u00e9\u20AC\uD83d\uDe42"]]))
    assert.equal("\\u0041", (read [["\\u0041"]]))
    assert.equal("\\", (read [["\\"]]))
    assert.same({ ["a\0b\n"] = 1 }, (read [[{"a\u0000b\n":1}]]))
    local long = ("0123456789\\n\\u20ac"):rep(200)
    assert.equal(("0123456789\n\226\130\172"):rep(200), (read('["' .. long .. '"]'))[1])
  end)

  it("replaces lone surrogates", function()
    local lost = "\239\191\189"
    for text, expected in pairs {
      ["\\ud800"] = lost, ["\\udc00"] = lost, ["\\ud83d"] = lost, ["a\\udbffb"] = "a" .. lost .. "b",
      ["\\ud83d\\ud83d\\ude42"] = lost .. "\240\159\153\130", ["\\ude42\\ud83d"] = lost .. lost,
      ["\\ud83d\\n"] = lost .. "\n", ["\\ud83d\\\\ude42"] = lost .. "\\ude42", ["\\ud83dude42"] = lost .. "ude42",
      ["\\ud83d\\u0041"] = lost .. "A", ["\\\\ud83d"] = "\\ud83d", ["\\udbff\\udfff"] = "\244\143\191\191",
      ["\\ud800\\udc00"] = "\240\144\128\128",
    } do
      assert.equal(expected, (read('"' .. text .. '"')), text)
    end
  end)

  describe("of numbers", function()
    it("keeps whole numbers whole", function()
      for text, expected in pairs {
        ["0"] = 0, ["-0"] = 0, ["7"] = 7, ["-7"] = -7, ["1.0"] = 1, ["1e3"] = 1000, ["-2.50e1"] = -25, ["0.0"] = 0,
        ["9007199254740992"] = 9007199254740992, ["-9007199254740992"] = -9007199254740992, ["0e999"] = 0,
        ["120000000000000000000e-20"] = 1.2, ["10e-1"] = 1,
      } do
        local value = read(text)
        assert.equal(expected, value, text)
        if HAS_INTEGERS and expected % 1 == 0 then assert.equal("integer", math.type(value), text) end
      end
      assert.equal("7", ("%s"):format(tostring((read "7.0"))))
    end)

    it("rounds fractions correctly", function()
      for _, text in ipairs {
        "0.1", "0.5", "-1.25", "3.141592653589793", "1e-5", "1E5", "1e+5", "123.456e-7", "2.2250738585072014e-308",
        "2.2250738585072011e-308", "4.9e-324", "5e-324", "2.4703282292062327208299439634110e-324", "1e-400", "-1e-400",
        "1.7976931348623157e308", "1.7976931348623158e308", "1e22", "1e23", "1.5e23", "8.5e22", "123456789012345.6e7",
        "9007199254740993.0", "9007199254740991.5", "0.30000000000000004", "1e15", "1e-22", "1e-23", "7.3e-22",
        "6.02214076e23", "1.00000000000000011102230246251565404", "1.00000000000000011102230246251565405",
        "179769313486231580793728971405301e276", "0.000000000000000000000000000000000000000000000000012345678901234567",
        "1" .. ("0"):rep(300) .. ".5", "0." .. ("0"):rep(300) .. "1", "1" .. ("0"):rep(30) .. "e-30",
      } do
        local value = read(text)
        assert.equal("number", type(value), text)
        assert.equal(lua_number(text), value, text)
      end
      -- a digit far behind decides which of two neighbours is nearer
      assert.equal(9007199254740992, (read("9007199254740993." .. ("0"):rep(2000))))
      assert.equal(9007199254740994, (read("9007199254740993." .. ("0"):rep(2000) .. "1")))
      assert.equal(1, (read("1" .. ("0"):rep(5000) .. "e-5000")))
      assert.equal(1, (read("0." .. ("0"):rep(4999) .. "1e5000")))
    end)

    it("reads a number too large for a float as infinite, and one too small as 0", function()
      for text, expected in pairs {
        ["1e309"] = math.huge, ["-1e309"] = -math.huge, ["1e99999999999999999999"] = math.huge,
        ["1e-99999999999999999999"] = 0, ["0e99999999999999999999"] = 0, ["1.8e308"] = math.huge,
      } do
        assert.equal(expected, (read(text)), text)
      end
    end)
  end)

  describe("within bounds", function()
    local function nested(levels) return ("["):rep(levels) .. ("]"):rep(levels) end

    it("reads a thousand levels and no more", function()
      local depth, value = 0, read(nested(1000))
      while value do depth, value = depth + 1, value[1] end
      assert.equal(1000, depth)
      assert.is_table((read(('{"a":'):rep(999) .. "{}" .. ("}"):rep(999))))
      local kind, reason = kind_of(nested(1001))
      assert.equal("too_large", kind)
      assert.equal("it is nested more than 1000 levels deep", reason)
      assert.equal("too_large", (kind_of(("["):rep(1000000))))
      assert.equal("too_large", (kind_of(('{"a":'):rep(5000))))
    end)

    it("counts the memory of many tables", function()
      local items = {}
      for i = 1, 3000 do items[i] = i % 3 == 0 and "{}" or i % 3 == 1 and "[1,[]]" or '{"a":{"b":null}}' end
      local value = read("[" .. table.concat(items, ",") .. "]")
      assert.equal(3000, #value)
      assert.same({ {}, { 1, {} }, { a = {} } }, { value[3000], value[2998], value[2999] })
    end)

    it("refuses a text that would take more memory than allowed, and names the setting", function()
      local small = json_reader.new { max_memory = 10000 }
      assert.is_table((small("[" .. ("[],"):rep(50) .. "[]]")))
      for _, text in ipairs {
        "[" .. ("[],"):rep(200) .. "[]]", "[" .. ("0,"):rep(1000) .. "0]", "[" .. ('"",'):rep(300) .. '""]',
        '{"a":{' .. ('"":1,'):rep(200) .. '"":1}}', '["' .. ("x"):rep(10000) .. '"]', '"' .. ("x"):rep(10000) .. '"',
        "[" .. ("9"):rep(10000) .. "]", "[" .. ("[],"):rep(1000000), '{"' .. ("x"):rep(10000) .. '":null}',
      } do
        local value, err = small(text)
        assert.is_nil(value)
        assert.equal("too_large", err.kind)
        assert.equal("its values would take more than 10000 bytes of memory (max_memory)", err.reason)
        assert.is_false(err.retryable)
      end
    end)

    it("allows eight times max_body by itself, and never too little for small answers", function()
      local tiny = json_reader.new { max_body = 10 }
      assert.same({ {}, {}, {} }, (tiny "[[],[],[]]"))
      local text = "[" .. ("[],"):rep(400000) .. "[]]" -- 1.2 MB that would take 38 MB
      assert.equal("too_large", (select(2, json_reader.new { max_body = 1200100 }(text))).kind)
      assert.equal(400001, #read(text))
    end)
  end)

  it("reads the body of an error too, within the same bounds", function()
    local client = core.new { base_url = "https://service.example", api_key = "a-key", external = true }
    local function detail(body)
      local number = assert(core.request(client, { path = "/x" }, { max_memory = 10000 }))
      client:outgoing()
      client:answer(number, { status = 500, content_type = "application/json", body = body })
      local _, value, err = client:next()
      assert.is_nil(value)
      assert.equal("server", err.kind)
      return err.detail
    end
    assert.same({ detail = "x" }, detail '{"detail":"x","none":null}')
    assert.equal("[[],[],[]", detail("[" .. ("[],"):rep(1000) .. "[]]"):sub(1, 9))
    client:close()
  end)
end)
