-- Lua 5.2 and 5.3 hash interned strings with a seed, but skip every second byte from 32 bytes on. Strings that differ
-- only in the skipped bytes collide whatever the seed: an answer of 1.7 MB held the host for seconds.

local json_reader = require "spec.support.json_reader"

-- Texts of 40 bytes that differ only in every second byte, counted from the end.
local function alike(count)
  local texts = {}
  for i = 1, count do
    texts[i] = '"' .. ("a"):rep(24) .. ("%08d"):format(i):gsub("%d", "%0b") .. '"'
  end
  return texts
end

describe("an answer of many strings of 32 to 40 bytes", function()
  local read = json_reader.new()
  local collide = _VERSION == "Lua 5.2" or _VERSION == "Lua 5.3"

  it("is refused where they are chosen to collide, as values and as names", function()
    local texts = alike(9000)
    for _, body in ipairs { "[" .. table.concat(texts, ",") .. "]", "{" .. table.concat(texts, ":1,") .. ":1}" } do
      local value, err = read(body)
      if collide then
        assert.is_nil(value)
        assert.equal("too_large", err.kind)
      else
        assert(value or err.kind == "too_large") -- Lua 5.1 hashes in the same way
      end
    end
  end)

  it("is read where they are UUIDs", function()
    local ids = {}
    for i = 1, 20000 do ids[i] = ('"%08x-0000-4000-8000-%012x"'):format(i * 7919, i) end
    assert.equal(20000, #assert(read("[" .. table.concat(ids, ",") .. "]")))
  end)
end)
