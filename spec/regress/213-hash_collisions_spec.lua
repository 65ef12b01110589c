-- Strings chosen to have the same hash make Lua compare each of them with all others. An answer with such strings must
-- be refused before this takes long.

local json_reader = require "spec.support.json_reader"

-- Texts of 90 bytes that differ only in bytes at which the hash of Lua 5.1 does not look: it looks at each third.
local function alike(count)
  local texts = {}
  for i = 1, count do
    local digits = ("%06d"):format(i):gsub("%d%d", "%0-")
    texts[i] = '"' .. ("a"):rep(72) .. digits .. ("b"):rep(9) .. '"'
  end
  return texts
end

local function different(format, count)
  local texts = {}
  for i = 1, count do texts[i] = '"' .. format:format(i * 7919) .. '"' end
  return texts
end

local function list(texts) return "[" .. table.concat(texts, ",") .. "]" end

local function object(texts) return "{" .. table.concat(texts, ":1,") .. ":1}" end

describe("an answer of many texts", function()
  local read = json_reader.new()

  it("is refused when they are chosen for equal hashes", function()
    local texts = alike(9000)
    local value, err = read(object(texts))
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.equal("too many of its strings collide in this Lua's hash tables", err.reason)
    value, err = read(list(texts))
    assert(value ~= nil or _VERSION == "Lua 5.1")
    assert(value == nil or _VERSION ~= "Lua 5.1")
    assert(value or err.kind == "too_large")
  end)

  it("is read when they repeat, or are many and different", function()
    local same = alike(300)
    local texts = {}
    for i = 1, 30000 do texts[i] = same[i % 300 + 1] end
    assert.equal(30000, #assert(read(list(texts))))
    for _, format in ipairs {
      "%d", "%08x", "event-%d", "%08x-0000-4000-8000-000000000000", "2026-08-20T09:15:%010d",
      "/workspace/project/node_modules/some/long/folder/of/things/file%d.txt",
    } do
      local many = different(format, 20000)
      assert.equal(20000, #assert(read(list(many))), format)
      assert(next(assert(read(object(many)))), format)
    end
  end)
end)
