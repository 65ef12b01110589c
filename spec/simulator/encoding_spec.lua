local cjson = require "cjson"
local json = require "openhands.simulator.encoding.json"
local stream = require "openhands.simulator.encoding.stream"
local timestamps = require "openhands.simulator.encoding.timestamps"

describe("the simulator's JSON", function()
  it("encodes what an independent decoder reads back", function()
    local text = json.encode {
      name = 'a"\\\n\0\127\195\169', list = { 1, 2.5, -3 }, yes = true, no = false, none = json.null,
    }
    local value = cjson.decode(text)
    assert.are.equal('a"\\\n\0\127\195\169', value.name)
    assert.are.same({ 1, 2.5, -3 }, value.list)
    assert.is_true(value.yes)
    assert.is_false(value.no)
    assert.are.equal(cjson.null, value.none)
  end)

  it("keeps empty arrays and objects apart", function()
    assert.are.equal("[]", json.encode(json.array()))
    assert.are.equal("{}", json.encode {})
    assert.are.equal('{"a":[],"b":{}}', json.encode(json.decode ' {"b" : { } , "a":[ ]} '))
  end)

  it("keeps integers whole", function()
    assert.are.equal("[7,1787217303,9007199254740991,-1,0.1]", json.encode { 7, 1787217303, 9007199254740991, -1, 0.1 })
    assert.are.equal("7", tostring(json.decode "7"))
    assert.are.equal("1e+300", json.encode(1e300))
  end)

  it("carries any bytes through a pipe in ASCII", function()
    local bytes = {}
    for code = 0, 255 do bytes[code + 1] = string.char(code) end
    local all = table.concat(bytes)
    local text = json.encode(all, "bytes")
    assert.is_nil(text:find("[^\32-\126]"))
    assert.are.equal(all, json.decode(text, "bytes"))
  end)

  it("decodes escapes to UTF-8", function()
    assert.are.equal("\195\169\226\130\172\240\159\152\128/", json.decode [["\u00e9\u20ac\ud83d\ude00\/"]])
  end)

  for _, text in ipairs {
    "", "{", "[1,]", "[1 2]", "{\"a\" 1}", "{1:2}", "01", "1 2", "nul", "NaN", "'a'", "\"a", "\"\1\"", "[1]\0",
    [["\ud800"]], [["\udc00"]], [["\x"]], "-", "1.", "1e", ("["):rep(600) .. ("]"):rep(600),
  } do
    it("refuses " .. ("%q"):format(text:sub(1, 20)), function()
      local value, problem = json.decode(text)
      assert.is_nil(value)
      assert.is_string(problem)
    end)
  end

  it("raises on values without a JSON form", function()
    assert.has_error(function() json.encode(0 / 0) end)
    assert.has_error(function() json.encode(math.huge) end)
    assert.has_error(function() json.encode { [2.5] = 1 } end)
    assert.has_error(function() json.encode(print) end)
    assert.has_error(function() json.null.field = 1 end)
  end)
end)

describe("the simulator's timestamps", function()
  it("agree with the C library from 1971 to 2099", function()
    for seconds = 31536000, 4070908800, 86400 * 37 + 12345 do
      local expected = os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
      assert.are.equal(expected, timestamps.utc(seconds))
      assert.are.equal(seconds, timestamps.parse(expected))
    end
  end)

  it("write fractions, except zero", function()
    assert.are.equal("2026-08-20T09:15:00.250000Z", timestamps.utc(timestamps.parse "2026-08-20T09:15:00.25Z"))
    assert.are.equal("2026-08-20T09:15:00.000000", timestamps.naive(timestamps.parse "2026-08-20T09:15:00Z"))
    assert.are.equal("1970-01-01T00:00:01Z", timestamps.utc(0.99999999))
  end)

  it("parse zones", function()
    local zulu = timestamps.parse "2026-08-20T09:15:00Z"
    assert.are.equal(zulu, timestamps.parse "2026-08-20T11:15:00+02:00")
    assert.are.equal(zulu, timestamps.parse "2026-08-20T05:45:00-0330")
    assert.are.equal(zulu, timestamps.parse "2026-08-20T09:15:00")
    assert.is_nil(timestamps.parse "2026-08-20T09:15:00 02:00")
    assert.is_nil(timestamps.parse "yesterday")
  end)
end)

describe("a stream", function()
  local function numbered(list)
    local position = 0
    return function()
      position = position + 1
      return list[position]
    end
  end

  local function all(source)
    local list = {}
    for piece in source do list[#list + 1] = piece end
    return list
  end

  it("can be a string, a concatenation, or a repetition", function()
    assert.are.same({ "abc" }, all(stream.from_string("abc")))
    assert.are.same({}, all(stream.from_string("")))
    assert.are.same({ "a", 2, "b", "c" }, all(stream.concat {
      stream.from_string("a"), numbered { 2, "b" }, stream.from_string("c"),
    }))
    assert.are.same({ "xy", "xy", "x" }, all(stream.repeated("xy", 5)))
  end)

  it("can be chunked", function()
    assert.are.same({ "3\r\nabc\r\n", 1, "0\r\n\r\n" }, all(stream.chunked(numbered { "abc", 1 })))
    assert.are.same({ "3\r\nabc\r\n" }, all(stream.chunked(stream.from_string("abc"), true)))
  end)

  it("can be truncated, slowed down, and paused", function()
    local pieces = { "abc", 1, "defg", "hi" }
    assert.are.same({}, all(stream.truncated(numbered(pieces), 0, 0)))
    assert.are.same({ "ab" }, all(stream.truncated(numbered(pieces), 0, 2)))
    assert.are.same({ "abc", 1, "d" }, all(stream.truncated(numbered(pieces), 1, 1)))
    assert.are.same({ "abc", 1, "defg", "hi" }, all(stream.truncated(numbered(pieces), 5, 5)))
    assert.are.same({ "ab", 9, "c", 9, 1, "de", 9, "fg", 9, "hi", 9 }, all(stream.slowed(numbered(pieces), 2, 9)))
    assert.are.same({ "abc", 1, "de", 9, "fg", "hi" }, all(stream.paused(numbered(pieces), 5, 9)))
    assert.are.same({ "abc", 1, 9, "defg", "hi" }, all(stream.paused(numbered(pieces), 3, 9)))
  end)

  it("can be read to its end, or until the reader gives up", function()
    local passed = 0
    local function pass(seconds)
      passed = passed + seconds
      return passed > 2
    end
    assert.are.same({ "ab", true }, { stream.read_all(numbered { "a", 1, "b" }, pass) })
    assert.are.same({ "a", false }, { stream.read_all(numbered { "a", 2, "b" }, pass) })
  end)
end)
