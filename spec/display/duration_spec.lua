-- Times, numbers and moments as people read them.
local durations = require "openhands.display.duration"
local moments = require "openhands.display.moment"
local numbers = require "openhands.display.number"

describe("a time", function()
  for seconds, words in pairs {
    [0] = "0s", [0.4] = "0s", [7] = "7s", [59.4] = "59s", [59.6] = "1m00s", [751] = "12m31s", [3599.7] = "1h00m",
    [7500] = "2h05m", [86399] = "23h59m", [86400] = "1d00h", [273600] = "3d04h", [8640000] = "100d00h", [-0.4] = "0s",
  } do
    it(("of %s seconds is %s"):format(seconds, words), function()
      assert.equal(words, durations.text(seconds))
    end)
  end

  it("that is not known is a dash", function()
    for _, odd in ipairs { "7", {}, true, 0 / 0, math.huge, -math.huge, -5 } do
      assert.equal("-", durations.text(odd))
    end
    assert.equal("-", durations.text(nil))
  end)
end)

describe("an amount", function()
  it("of money has two decimals", function()
    assert.same({ "-", "$0.00", "<$0.01", "$0.01", "$0.42", "$1234.50" }, { numbers.money(nil), numbers.money(0),
      numbers.money(0.001), numbers.money(0.005), numbers.money(0.42), numbers.money(1234.5) })
  end)

  it("has as many decimals as it needs", function()
    assert.same({ "3", "3.5", "0.125" }, { numbers.decimal(3, 3), numbers.decimal(3.5, 3), numbers.decimal(0.1251, 3) })
  end)
end)

describe("a moment", function()
  it("is written for programs and for people, in UTC", function()
    assert.equal("2026-08-20T09:15:02Z", moments.iso(1787217302))
    assert.equal("2026-08-20 09:15", moments.text(1787217302))
    assert.is_nil(moments.iso(-1))
    assert.is_nil(moments.text(nil))
  end)
end)
