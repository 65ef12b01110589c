-- The columns that lines take in a terminal.
local text = require "openhands.display.text"
local widths = require "openhands.display.width"

describe("the width of a line", function()
  for _, case in ipairs {
    { "", 0 }, { "plain", 5 }, { "gr\195\188n", 4 }, { "\228\184\173\230\150\135", 4 }, { "e\204\129", 1 },
    { "\240\159\142\137", 2 }, { "\239\191\189", 1 }, { "\226\128\166", 1 },
  } do
    it(("%q is %d"):format(case[1], case[2]), function() assert.equal(case[2], widths.width(case[1])) end)
  end

  it("is never more than asked after a cut, and no character is cut", function()
    local words = "gr\195\188n \228\184\173\230\150\135 e\204\129 \240\159\142\137 and plain"
    for most = 1, 30 do
      local cut, width = widths.truncate(words, most)
      assert.is_true(width <= most)
      assert.equal(width, widths.width(cut))
      assert.equal(cut, text.well_formed(cut))
      assert.equal(widths.width(words) > most, cut:sub(-3) == "\226\128\166")
    end
  end)
end)

describe("a line that is fitted", function()
  it("takes the columns that it is given", function()
    assert.equal("ab  ", widths.fit("ab", 4))
    assert.equal("  ab", widths.fit("ab", 4, true))
    assert.equal("ab\226\128\166", widths.fit("abcd", 3))
    assert.equal("ab~", widths.fit("abcd", 3, false, true))
    assert.equal("\228\184\173\226\128\166 ", widths.fit("\228\184\173\230\150\135", 4 - 1) .. " ")
    assert.equal("\228\184\173\230\150\135", widths.fit("\228\184\173\230\150\135", 4))
  end)

  it("is empty without columns", function()
    for columns = -1, 0 do
      assert.equal("", widths.fit("abc", columns))
      assert.same({ "", 0 }, { widths.truncate("abc", columns) })
    end
  end)

  it("keeps combining marks at the cut, and the whole line where it just fits", function()
    assert.equal("e\204\129\226\128\166", (widths.truncate("e\204\129abc", 2)))
    assert.equal("abe\204\129", (widths.truncate("abe\204\129", 3)))
  end)
end)
