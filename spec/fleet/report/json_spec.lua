-- The report as JSON.
local json = require "openhands.simulator.encoding.json"
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"
local text = require "openhands.display.text"

local function written(list, fleet) return report.new(list, { now = rows.NOW, fleet = fleet }):json() end

describe("the JSON of a report", function()
  it("has the totals and the runs", function()
    local value = json.decode(written(rows.many(20), "names"))
    assert.equal("names", value.fleet)
    assert.equal("2026-09-21T14:13:20Z", value.now)
    assert.equal(20, value.total)
    assert.equal(6, value.counts.done)
    assert.equal(0, value.counts.starting)
    assert.equal(4, value.live)
    assert.equal(1.5, value.cost)
    assert.equal(2, value.without_cost)
    assert.equal(20, #value.runs)
    assert.same({
      key = "owner/repository-1", state = "done", answer = "All done in 1.", cost = 0.25, attempts = 1, seconds = 61,
      pull_requests = { { url = "https://github.com/owner/repository-1/pull/1", number = 1, repository = "owner/x" } },
      url = "https://service.test/conversations/1", conversation_id = "00000000-0000-4000-8000-000000000000",
      started_at = "2026-09-21T13:06:41Z", ended_at = "2026-09-21T13:07:42Z",
    }, value.runs[1])
  end)

  it("has the texts of the service unchanged, but for bytes that are no UTF-8", function()
    local value = json.decode(written(rows.hostile()))
    for place, words in ipairs(rows.HOSTILE) do
      assert.equal(text.well_formed(words), value.runs[place].key)
      assert.equal(text.well_formed(words), value.runs[place].error)
    end
  end)

  it("can be shown in a terminal: what is invisible is escaped", function()
    local shown = written(rows.hostile()):gsub("\n", "")
    assert.is_nil(shown:find "[%z\1-\31\127]")
    assert.is_nil(shown:find "\194[\128-\159]")
    assert.is_nil(shown:find "\226\128[\142\143\168-\174]")
    assert.matches('"key":"\\udb40\\udc41"', written { rows.row { key = "\243\160\129\129", state = "done" } }, 1, true)
  end)

  it("leaves out what is unknown", function()
    local value = json.decode(written { rows.row { key = "a", state = "queued", cost = 0 / 0 } })
    assert.same({ key = "a", state = "queued", attempts = 1, pull_requests = json.array {},
      conversation_id = "00000000-0000-4000-8000-000000000000" }, value.runs[1])
    assert.is_nil(value.fleet)
    assert.is_nil(value.started_at)
  end)

  it("of an empty fleet has an empty list", function()
    assert.matches('"runs":[]', written {}, 1, true)
  end)

  it("has all of 10,000 runs, and a line for each", function()
    local long = written(rows.many(10000))
    assert.equal(10000, select(2, long:gsub('\n{"key"', "")))
  end)
end)
