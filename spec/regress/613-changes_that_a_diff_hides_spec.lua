-- A file could hide lines of its own changes from the reviewer, forge others, and no program could apply a difference.
local files = require "spec.support.files"
local text = require "openhands.display.text"
local diff = require "openhands.command_line.commands.diff"

-- Returns what `diff` prints of one file.
local function printed(old, new, is_terminal, path)
  local lines = {}
  local output = { format = "plain", record = function() end }
  function output.line(_, line) lines[#lines + 1] = line .. "\n" end
  assert.equal(0, diff.run {
    arguments = { id = "x", files = { path or "x" } }, output = output,
    stdout = function() return { is_terminal = is_terminal } end,
    client = function()
      return { diff = function() return { original = old, modified = new } end }
    end,
  })
  return table.concat(lines)
end

describe("a sequence for terminals", function()
  it("does not hide lines", function()
    for _, pair in ipairs { { "\27]0;", "\7" }, { "\27P", "\27\\" }, { "\27^", "\27\\" }, { "\27]0;", "\27\\" } } do
      local lines = text.lines("# " .. pair[1] .. "\nevil()\n# " .. pair[2] .. "\nlast")
      assert.matches("\nevil()\n", lines, 1, true)
      assert.matches("\nlast$", lines)
    end
  end)
end)

describe("a difference on a terminal", function()
  it("shows all of each line", function()
    for _, case in ipairs {
      { "# \27]0;\nevil()\n# \7\n", "+# ^[]0;\n+evil()\n+# ^G\n" },
      { "a\27[8mhidden\27[0m\n", "+a^[[8mhidden^[[0m\n" },
      { "a\rb+fake\n", "+a^Mb+fake\n" },
      { "a\226\128\168b\226\128\169c\194\133d\n", "+a<U+2028>b<U+2029>c<U+0085>d\n" },
      { "a\226\128\174b\239\187\191\n", "+a<U+202E>b<U+FEFF>\n" },
      { "a\255\0\127\tb\n", "+a<FF>^@^?\tb\n" },
      { "e" .. ("\204\129"):rep(4) .. "x\204\129\n", "+e" .. ("\204\129"):rep(3) .. "<U+0301>x\204\129\n" },
      { "gr\195\188n \228\184\173\239\191\189\n", "+gr\195\188n \228\184\173\239\191\189\n" },
    } do
      local lines = printed("", case[1], true):gsub("^%-%-%- a/x\n%+%+%+ b/x\n@@[^\n]*@@\n", "")
      assert.equal(case[2], lines)
    end
    assert.matches("\n-a\n+a^M\n", printed("a\n", "a\r\n", true), 1, true)
    assert.matches('+++ "b/a\\n\\"b"\n', printed("a\n", "b\n", true, 'a\n"b'), 1, true)
  end)
end)

describe("a difference elsewhere", function()
  it("is a patch", function()
    local directory, remove = files.directory()
    for _, case in ipairs {
      { "a\nb\nc\n", "a\r\nB\r\nc\r\n" }, { "a\r\nb\r\n", "a\r\nc\rd\r\n" }, { "a\r\nb", "a\r\nb\r" },
      { "1\n2\n", "1\226\128\168\255\27]0;\n2\n\7\n" }, { "a\n", "b\n", 'name\twith "quotes"' },
    } do
      local name = case[3] or "x"
      files.write(directory .. "/" .. name, case[1])
      files.write(directory .. "/patch", printed(case[1], case[2], false, name))
      os.execute(("cd '%s' && GIT_CEILING_DIRECTORIES='%s' git apply patch 2>problem"):format(directory, directory))
      assert.equal(case[2], files.read(directory .. "/" .. name), files.read(directory .. "/problem"))
    end
    remove()
  end)
end)
