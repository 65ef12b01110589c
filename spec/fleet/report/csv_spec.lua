-- The report as CSV.
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"

local function csv(list) return report.new(list, { now = rows.NOW }):csv() end

-- Parses CSV as RFC 4180 describes it, with another separator if one is given. Returns a list of lines of cells.
local function parse(written, separator)
  local lines, cells, place = {}, {}, 1
  while place <= #written do
    local cell, after
    if written:sub(place, place) == '"' then
      local finish = place + 1
      while true do
        finish = assert(written:find('"', finish, true), "an open quotation mark")
        if written:sub(finish + 1, finish + 1) ~= '"' then break end
        finish = finish + 2
      end
      cell, after = written:sub(place + 1, finish - 1):gsub('""', '"'), finish + 1
    else
      after = written:find("[" .. separator .. "\r]", place) or #written + 1
      cell = written:sub(place, after - 1)
      assert.is_nil(cell:find '"')
    end
    cells[#cells + 1] = cell
    if written:sub(after, after + 1) == "\r\n" then
      lines[#lines + 1], cells, place = cells, {}, after + 2
    else
      assert.equal(separator, written:sub(after, after))
      place = after + 1
    end
  end
  assert.same({}, cells)
  return lines
end

describe("the CSV of a report", function()
  it("has a line of names and one for each run, in their order", function()
    local lines = parse(csv(rows.many(12)), ",")
    assert.equal(13, #lines)
    assert.same({ "key", "state", "answer", "error", "cost", "pull_requests", "url", "title", "conversation_id",
      "started_at", "ended_at", "seconds", "attempts" }, lines[1])
    for place = 2, #lines do
      assert.equal(13, #lines[place])
      assert.equal("owner/repository-" .. place - 1, lines[place][1])
    end
    assert.same({ "owner/repository-1", "done", "All done in 1.", "", "0.25",
      "https://github.com/owner/repository-1/pull/1", "https://service.test/conversations/1", "",
      "00000000-0000-4000-8000-000000000000", "2026-09-21T13:06:41Z", "2026-09-21T13:07:42Z", "61", "1" }, lines[2])
  end)

  it("is one line for a run, whatever its texts are", function()
    local written = csv(rows.hostile())
    local lines = parse(written, ",")
    assert.equal(#rows.HOSTILE + 1, #lines)
    assert.equal(#rows.HOSTILE + 1, select(2, written:gsub("\r\n", "")))
    assert.equal(#rows.HOSTILE + 1, select(2, written:gsub("\n", "")))
    assert.is_nil(written:gsub("\r\n", ""):find "[%z\1-\31\127]")
  end)

  it("has no cell that a spreadsheet takes for a formula", function()
    for _, cells in ipairs(parse(csv(rows.hostile()), ",")) do
      for _, cell in ipairs(cells) do
        assert.is_nil(cell:find '^[ "]*[=+@-]')
        assert.is_nil(cell:find "^%s*\239\188[\157\139\141\160]")
      end
    end
  end)

  it("has none where semicolons separate cells, either", function()
    for line in csv(rows.hostile()):gmatch "[^\r\n]+" do
      for cell in (line .. ";"):gmatch "([^;]*);" do
        assert.is_nil(cell:find '^[ "]*[=+@-]')
      end
    end
  end)

  it("marks such a cell with an apostrophe, and leaves others as they are", function()
    local function cell(words)
      return parse(csv { rows.row { key = words, state = "done" } }, ",")[2][1]
    end
    assert.equal("'=1+1", cell "=1+1")
    assert.equal("'-x", cell "-x")
    assert.equal("'@x", cell " \t@x")
    assert.equal("a;'=1", cell "a;=1")
    assert.equal("a-b = c, -d @e", cell "a-b = c, -d @e")
    assert.equal('say "hello", you', cell 'say "hello", you')
  end)

  it("writes fractions with a point in every locale, and nothing for what is unknown", function()
    local before = os.setlocale()
    os.setlocale "de_DE.UTF-8"
    local lines = parse(csv { rows.row { key = "a", state = "done", cost = 0.123456789, intended_at = rows.NOW - 1.5 },
      rows.row { key = "b", state = "queued" } }, ",")
    os.setlocale(before)
    assert.equal("0.123457", lines[2][5])
    assert.equal("1.5", lines[2][12])
    assert.same({ "", "", "", "" }, { lines[3][5], lines[3][10], lines[3][11], lines[3][12] })
  end)

  it("of an empty fleet is the line of names", function()
    assert.equal(1, #parse(csv {}, ","))
  end)

  it("has all of 10,000 runs", function()
    assert.equal(10001, select(2, csv(rows.many(10000)):gsub("\r\n", "")))
  end)
end)
