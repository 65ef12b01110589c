-- The parts of the command that need no process: JSON, CSV, differences, exit statuses, options.
local cjson = require "cjson"
local csv = require "openhands.command_line.csv"
local exit_status = require "openhands.command_line.exit_status"
local files = require "spec.support.files"
local json = require "openhands.command_line.json"
local openhands = require "openhands"
local options = require "openhands.command_line.options"
local unified_diff = require "openhands.command_line.unified_diff"

describe("JSON of the command", function()
  it("has names in order, and lists that are empty", function()
    assert.equal('{"a":[],"b":{},"c":[1,2.5,"x"],"d":true}',
      json.encode { d = true, c = { 1, 2.5, "x" }, b = {}, a = openhands.array {} })
  end)

  it("writes numbers that read back the same, and null for what it cannot hold", function()
    for _, number in ipairs { 0, -1, 0.1, 1e300, 2 ^ 53, 1 / 3 } do
      assert.equal(number, cjson.decode("[" .. json.encode(number) .. "]")[1])
    end
    assert.equal("[null,null]", json.encode { 0 / 0, openhands.null })
  end)

  it("escapes what would move the cursor, or change the order of texts", function()
    local text = 'a\27[2J\194\155x\226\128\174\226\129\166"\\\n\127'
    local written = json.encode(text)
    assert.is_nil(written:find "[%z\1-\31\127-\255]")
    assert.equal(text, cjson.decode("[" .. written .. "]")[1])
    assert.equal('"é…"', json.encode "é…")
  end)
end)

describe("CSV of a fleet", function()
  it("is read as RFC 4180 says", function()
    assert.same({ { a = "1", b = 'x,"y"\nz' }, { b = "2" } },
      csv.read '\239\187\191a,b\r\n1,"x,""y""\nz"\r\n\r\n,2')
    assert.same({}, csv.read "a,b\n")
  end)

  it("is refused where it is malformed", function()
    for text, problem in pairs {
      [""] = "empty", ["a\n1,2"] = "row 2 has 2 cells", ['a\n"1'] = "row 2: a quote is not closed",
      ['a\n"1"2'] = "row 2: there is something after a closing quote",
    } do
      local records, why = csv.read(text)
      assert.is_nil(records)
      assert.matches(problem, why, 1, true)
    end
  end)
end)

describe("a difference of texts", function()
  -- Applies `patch` to the old text: the result must be the new one.
  local function assert_patches(old, new)
    local directory, remove = files.directory()
    files.write(directory .. "/x", old)
    files.write(directory .. "/patch", unified_diff.write("x", old, new) or "")
    os.execute(("cd '%s' && patch -s -p1 x <patch >/dev/null 2>&1"):format(directory))
    local patched = files.read(directory .. "/x")
    remove()
    assert.equal(new, patched)
  end

  it("turns the one into the other", function()
    local numbers = {}
    for place = 1, 60 do numbers[place] = place .. "\n" end
    local old = table.concat(numbers)
    table.remove(numbers, 58)
    table.insert(numbers, 30, "new\n")
    numbers[3] = "changed\n"
    assert_patches(old, table.concat(numbers))
    assert_patches("a\nb\nc", "a\nB\nc")
    assert_patches("a\n", "a")
    assert_patches("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n")
    assert_patches("b\n", "a\nb\n")
  end)

  it("is nothing for equal texts, and names what is new or gone", function()
    assert.is_nil(unified_diff.write("x", "a\n", "a\n"))
    assert.equal("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n", unified_diff.write("x", nil, "a\n"))
    assert.equal("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", unified_diff.write("x", "a\n", nil))
  end)

  it("ends soon for texts that have nothing in common", function()
    local old, new = {}, {}
    for place = 1, 3000 do old[place], new[place] = "a" .. place .. "\n", "b" .. place .. "\n" end
    local text = unified_diff.write("x", table.concat(old), table.concat(new))
    assert.matches("@@ -1,3000 +1,3000 @@", text, 1, true)
  end)
end)

describe("the exit status", function()
  it("of several is the common one, else that some failed", function()
    assert.equal(0, exit_status.combined {})
    assert.equal(1, exit_status.combined { 1, 1 })
    assert.equal(2, exit_status.combined { 0, 1 })
    assert.equal(2, exit_status.combined { 4, 5, 2 })
    assert.equal(5, exit_status.combined { 0, 4, 5 })
    assert.equal(4, exit_status.combined { 0, 4 })
    assert.equal(130, exit_status.combined { 2, 130 })
  end)

  it("of an error tells a refused start, and the end of a wait", function()
    assert.equal(3, exit_status.of_error { kind = "quota" })
    assert.equal(4, exit_status.of_error { kind = "timeout", operation = "wait" })
    assert.equal(1, exit_status.of_error { kind = "timeout", operation = "status" })
    assert.equal(1, exit_status.of_error { kind = "timeout", operation = "events" })
    assert.equal(2, exit_status.of_error { kind = "ambiguous", operation = "start" })
  end)
end)

describe("a time", function()
  it("has a unit or is in seconds", function()
    assert.equal(90, options.seconds "90")
    assert.equal(90, options.seconds "90s")
    assert.equal(5400, options.seconds "1.5h")
    assert.equal(0.5, options.seconds ".5")
    assert.equal(0.25, options.number "0.25")
    assert.equal(120, options.seconds "2m")
    assert.equal(86400, options.seconds "1d")
    for _, text in ipairs { "", "-1", "1w", "1e3", "..", "h" } do assert.is_nil((options.seconds(text))) end
  end)
end)
