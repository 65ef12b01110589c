-- Ids of the service and the case of ASCII letters, in the core.

local core = require "openhands.core"

local PLAIN, DASHED = "5618fbb48b6c4d2e9f0a1b2c3d4e5f60", "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"

describe("core.normalize_id", function()
  it("removes dashes and capitals", function()
    for _, id in ipairs { PLAIN, DASHED, PLAIN:upper(), DASHED:upper(), "5618FBB4-8b6c4d2e9f0a1b2c3d4e5f60" } do
      assert.equal(PLAIN, core.normalize_id(id))
    end
  end)

  it("keeps every other byte, at any length", function()
    assert.equal("", core.normalize_id "")
    assert.equal("", core.normalize_id "---")
    assert.equal("task_\0\xc3\x84 x", core.normalize_id "TASK_\0\xc3\x84- X")
    assert.equal(("ab"):rep(100000), core.normalize_id(("A-b-"):rep(100000)))
  end)
end)

describe("core.id_with_dashes", function()
  it("puts the dashes of a UUID in their places", function()
    for _, id in ipairs { PLAIN, DASHED, PLAIN:upper(), "5-618fbb48b6c4d2e9f0a1b2c3d4e5f6-0-" } do
      assert.equal(DASHED, core.id_with_dashes(id))
    end
  end)

  it("returns any other id unchanged", function()
    for _, id in ipairs { "", "-", "Task-1", PLAIN .. "0", PLAIN:sub(2), "g" .. PLAIN:sub(2), PLAIN .. "\0" } do
      assert.equal(id, core.id_with_dashes(id))
    end
  end)
end)

describe("core.is_same_id", function()
  it("agrees with normalize_id", function()
    local ids = { PLAIN, DASHED, PLAIN:upper(), DASHED:upper(), PLAIN .. "0", PLAIN:sub(1, -2), "", "-", "--a", "A-" }
    for _, one in ipairs(ids) do
      for _, other in ipairs(ids) do
        local is_same = core.normalize_id(one) == core.normalize_id(other)
        assert.equal(is_same, core.is_same_id(one, other), one .. " " .. other)
      end
    end
  end)

  it("takes nothing but two texts", function()
    assert.has_error(function() core.is_same_id(PLAIN) end)
    assert.has_error(function() core.is_same_id(nil, PLAIN) end)
  end)
end)

describe("core.is_before", function()
  it("compares bytes", function()
    local sorted = { "", "\0", "A", "AA", "Z", "a", "\xc3\xa4", "\xff" }
    for i, one in ipairs(sorted) do
      for j, other in ipairs(sorted) do assert.equal(i < j, core.is_before(one, other)) end
    end
  end)
end)

describe("core.lower and core.upper", function()
  it("change the letters A to Z alone", function()
    local bytes = {}
    for code = 0, 255 do bytes[#bytes + 1] = string.char(code) end
    local all = table.concat(bytes)
    local function shifted(by)
      return function(letter) return string.char(letter:byte() + by) end
    end
    assert.equal(all:gsub("[A-Z]", shifted(32)), core.lower(all)) -- string.lower depends on the locale
    assert.equal(all:gsub("[a-z]", shifted(-32)), core.upper(all))
    assert.same({ "", "already", "ALREADY" }, { core.lower "", core.lower "already", core.upper "ALREADY" })
  end)
end)
