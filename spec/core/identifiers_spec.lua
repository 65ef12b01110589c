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

describe("core.uuid5", function()
  local DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

  it("gives the example of RFC 9562", function()
    assert.equal("2ed6657d-e927-568b-95e1-2665a8aea6a2", core.uuid5(DNS, "www.example.com"))
    assert.equal(core.uuid5(DNS, "x\0y"), core.uuid5(DNS:upper():gsub("-", ""), "x\0y"))
  end)

  -- Computed by Python's uuid module. The digest has a block of 64 bytes; its padding begins a new one at 56.
  local by_length = {
    [0] = "4ebd0208-8328-5d69-8c44-ec50939c0967",
    [1] = "4f3f2898-69e3-5a0d-820a-c4e87987dbce",
    [38] = "fa465dc7-82d5-5c3b-a5bb-9b8f3132a2b7",
    [39] = "5824f981-4282-59d4-9716-acb6d741350e",
    [40] = "39f39c20-db47-5131-8879-62f8f67f9014",
    [47] = "660c273c-8a00-5941-b6f4-8d0afed88966",
    [48] = "7280cc42-274a-5c4a-91fc-ae23f853eeb7",
    [49] = "69349718-028b-5ff0-a00f-c024ded6e6ee",
    [102] = "10b0deb5-a301-5f69-8bd4-2f65401ea045",
    [103] = "1cf1b329-74b7-50b0-a819-28e28c61c775",
    [104] = "31477a3f-211d-5651-b3ce-be7c82999e70",
    [111] = "5a333448-30c7-569b-ab96-842bddfbe8ca",
    [112] = "ab683ad5-4de4-5faf-bf37-0788e34176da",
    [113] = "e266259e-d3b2-50cd-b9c3-a87855dfaa68",
    [1000] = "062a6b1a-ddc3-5fcc-b238-790846e533d6",
  }

  it("gives the ids of other implementations at every length of the last block", function()
    for length, expected in pairs(by_length) do
      assert.equal(expected, core.uuid5(DNS, ("a"):rep(length)))
    end
  end)

  it("refuses a namespace that is no UUID", function()
    assert.has_error(function() core.uuid5("dns", "x") end)
  end)
end)
