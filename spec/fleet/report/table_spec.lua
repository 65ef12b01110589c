-- The report as a table in a terminal.
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"
local text = require "openhands.display.text"
local widths = require "openhands.display.width"

local function lines_of(list, width, fleet)
  local lines = {}
  for line in (tostring(report.new(list, { now = rows.NOW, width = width, fleet = fleet })) .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line
  end
  return lines
end

describe("the table of a report", function()
  it("has a line for each run, and one of totals", function()
    assert.same({
      "Fleet names",
      "STATE   ITEM        TIME   COST  OUTCOME",
      "failed  owner/two  3m20s  $0.10  the tests do not run",
      "done    owner/one  1m00s  $1.50  #7 Done.",
      "2 runs: 1 failed, 1 done, $1.60, 4m10s",
    }, lines_of({
      rows.row { key = "owner/one", state = "done", cost = 1.5, intended_at = rows.NOW - 300, ended_at = rows.NOW - 240,
        result = '{"answer":"Done.","pull_requests":["https://github.com/owner/one/pull/7"]}' },
      rows.row { key = "owner/two", state = "failed", cost = 0.1, intended_at = rows.NOW - 250,
        ended_at = rows.NOW - 50, error = "the tests do not run" },
    }, 80, "names"))
  end)

  it("fits any width, with all states, whatever the texts are", function()
    for _, list in ipairs { rows.many(30), rows.hostile(), {} } do
      for _, width in ipairs { 24, 30, 40, 50, 60, 80, 81, 100, 133, 200 } do
        for _, line in ipairs(lines_of(list, width, "a fleet with a name that is too long for narrow terminals")) do
          assert.is_true(widths.width(line) <= width, line)
        end
      end
    end
  end)

  it("holds nothing that controls a terminal or changes the direction of writing", function()
    for _, line in ipairs(lines_of(rows.hostile(), 200, rows.HOSTILE[5])) do
      assert.equal(text.well_formed(line), line)
      assert.is_nil(line:find "[%z\1-\31\127]")
      assert.is_nil(line:find "\194[\128-\159]")
      assert.is_nil(line:find "\226\128[\142\143\168-\174]")
      assert.is_nil(line:find "\226\129[\166-\169]")
    end
  end)

  it("begins with what went wrong", function()
    local lines = lines_of(rows.many(20), 80)
    assert.matches("^ambiguous ", lines[2])
    assert.matches("^ambiguous ", lines[3])
    assert.matches("^failed ", lines[4])
    assert.matches("^done ", lines[#lines - 2])
  end)

  it("has the address of a run that failed below it, if it fits", function()
    local list = { rows.row { key = "a", state = "failed", result = '{"url":"https://service.test/conversations/1"}' } }
    assert.equal("  https://service.test/conversations/1", lines_of(list, 80)[3])
    assert.matches("^1 run", lines_of(list, 30)[3])
  end)

  it("shows two hundred of 10,000 runs, the worst, and counts all", function()
    local lines = lines_of(rows.many(10000), 200)
    assert.equal(203, #lines)
    assert.equal("… and 9800 more runs", lines[202])
    assert.matches("^10000 runs: 1000 ambiguous, 1000 failed", lines[203])
  end)

  it("says that a fleet has no runs", function()
    assert.same({ "Fleet empty", "0 runs" }, lines_of({}, 80, "empty"))
  end)

  it("says which costs are unknown", function()
    local lines = lines_of({
      rows.row { key = "a", state = "done" }, rows.row { key = "b", state = "done", cost = 0.001 },
    }, 80)
    assert.matches("^done   a %s+%-%s+%-$", lines[2])
    assert.matches("<$0.01", lines[3], 1, true)
    assert.matches("<$0.01, cost of 1 unknown", lines[4], 1, true)
  end)

  it("takes the width of the terminal from COLUMNS, else 80", function()
    local list = { rows.row { key = ("k"):rep(300), state = "done" } }
    local expected = tonumber(os.getenv "COLUMNS") or 80
    assert.is_true(widths.width(lines_of(list)[2]) <= math.max(24, expected))
    assert.is_true(widths.width(lines_of(list)[2]) > math.min(expected, 300) / 2)
  end)
end)
