-- Foreign texts, prepared for people.
local text = require "openhands.display.text"

describe("a line", function()
  for _, case in ipairs {
    { "plain words", "plain words" },
    { "  two\n\nlines\r\n\tand tabs  ", "two lines and tabs" },
    { "a\0b\127c", "abc" },
    { "\27[31;1mred\27[0m", "red" },
    { "\27[?25l\27[2J\27[10;10Hmoved", "moved" },
    { "\27]0;title\7after", "after" },
    { "\27]8;;http://evil.test\27\\link\27]8;;\27\\", "link" },
    { "\27P1$r\27\\dcs", "dcs" },
    { "\27]0;never closed", "]0;never closed" },
    { "\27", "" },
    { "\194\15531m", "31m" }, -- the control sequence introducer of eight bits
    { "abc\226\128\174gnp.exe", "abcgnp.exe" },
    { "\226\129\166a\226\129\169\226\128\142b\216\156", "ab" },
    { "a\226\128\168b\226\128\169c", "a b c" },
    { "zero\226\128\139width\239\187\191", "zerowidth" },
    { "tag\243\160\129\129s", "tags" },
    { "\255", "\239\191\189" },
    { "\192\175", "\239\191\189\239\191\189" }, -- overlong
    { "\237\160\128", "\239\191\189\239\191\189\239\191\189" }, -- half of a pair
    { "\244\144\128\128", ("\239\191\189"):rep(4) }, -- beyond the last character
    { "cut \226\130", "cut \239\191\189\239\191\189" },
    { "gr\195\188n \228\184\173\230\150\135 \240\159\142\137",
      "gr\195\188n \228\184\173\230\150\135 \240\159\142\137" },
    { "e" .. ("\204\129"):rep(50), "e" .. ("\204\129"):rep(3) },
  } do
    it(("of %q"):format(case[1]), function() assert.equal(case[2], text.line(case[1])) end)
  end

  it("keeps its breaks where a text of several lines is wanted", function()
    assert.equal("a\nb\nc\nd e", text.lines "a\r\nb\rc\nd\te")
    assert.equal("a\n\nred", text.lines "a\n\n\27[31mred")
    assert.equal("a\nb", text.lines "a\226\128\168b")
  end)
end)

describe("a text", function()
  it("is made well-formed and otherwise left as it is", function()
    assert.equal("a\n\27\0\195\188", text.well_formed "a\n\27\0\195\188")
    assert.equal("a\239\191\189b\239\191\189", text.well_formed "a\255b\195")
    assert.equal("\239\191\189", text.well_formed "\239\191\189")
  end)

  it("is cut to bytes between characters", function()
    assert.equal("gr", (text.cut_bytes("gr\195\188n", 3)))
    assert.equal("gr\195\188", (text.cut_bytes("gr\195\188n", 4)))
    assert.same({ "short", false }, { text.cut_bytes("short", 5) })
  end)

  it("that is long takes a time that grows with its length alone", function()
    for _, piece in ipairs { "\27]", "\27[", "\27P", "\27]\7\27", "\255", "\204\129", "\226\128\174", " " } do
      local before = os.clock()
      text.line(piece:rep(math.floor(100000 / #piece)))
      assert.is_true(os.clock() - before < 10) -- a square would take minutes
    end
  end)
end)
