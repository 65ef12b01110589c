-- What a report says of the runs of a fleet.
local report = require "openhands.fleet.report"
local rows = require "spec.support.report_rows"

local NOW = rows.NOW

local function new(list, options)
  options = options or {}
  options.now = options.now or NOW
  return report.new(list, options)
end

describe("a report", function()
  it("says of each run what its item, the ledger and the service tell", function()
    local it_has = new({ rows.row {
      key = "owner/one", state = "done", cost = 0.5, intended_at = NOW - 90, ended_at = NOW - 30, attempts = 2,
      result = [[{"answer":"Done.","title":"The title","url":"https://service.test/1","state":"finished",
        "pull_requests":[{"url":"https://github.com/owner/one/pull/7","number":7,"repository":"owner/one"}]}]],
    } }).runs[1]
    assert.same({
      key = "owner/one", state = "done", answer = "Done.", title = "The title", url = "https://service.test/1",
      cost = 0.5,
      pull_requests = { { url = "https://github.com/owner/one/pull/7", number = 7, repository = "owner/one" } },
      conversation_id = "00000000-0000-4000-8000-000000000000", attempts = 2,
      started_at = NOW - 90, ended_at = NOW - 30, seconds = 60,
    }, it_has)
  end)

  it("counts the states, and adds up the costs that are known", function()
    local it_has = new(rows.many(20), { fleet = "fleet" })
    assert.equal(20, it_has.total)
    assert.same({ 6, 2, 2, 2, 2, 2, 4 }, { it_has.done, it_has.failed, it_has.ambiguous, it_has.cancelled,
      it_has.skipped, it_has.queued, it_has.live })
    assert.equal(2, it_has.counts.running)
    assert.equal(0, it_has.counts.starting)
    assert.equal(1.5, it_has.cost)
    assert.equal(2, it_has.without_cost) -- those that failed
  end)

  it("keeps the order in which the items were added", function()
    local it_has = new(rows.many(12))
    for place, run in ipairs(it_has.runs) do assert.equal("owner/repository-" .. place, run.key) end
  end)

  it("counts the time of a live run until now, and that of a fleet that is done until its last end", function()
    local live = new { rows.row { key = "a", state = "running", intended_at = NOW - 50 },
      rows.row { key = "b", state = "done", intended_at = NOW - 80, ended_at = NOW - 70 } }
    assert.equal(50, live.runs[1].seconds)
    assert.equal(80, live.seconds)
    assert.is_nil(live.ended_at)
    local ended = new { rows.row { key = "b", state = "done", intended_at = NOW - 80, ended_at = NOW - 70 } }
    assert.equal(10, ended.seconds)
    assert.equal(NOW - 70, ended.ended_at)
  end)

  it("says of a run in the queue that it was not started, even if a start was refused before", function()
    local run = new({ rows.row { key = "a", state = "queued", intended_at = NOW - 50 } }).runs[1]
    assert.is_nil(run.started_at)
    assert.is_nil(run.seconds)
  end)

  it("tells why a run waits in the queue, but not why it waited before it was started", function()
    local runs = new({ rows.row { key = "a", state = "queued", error = "the limit" },
      rows.row { key = "b", state = "running", error = "the limit" } }).runs
    assert.equal("the limit", runs[1].error)
    assert.is_nil(runs[2].error)
  end)

  it("can be empty", function()
    local it_has = new {}
    assert.equal(0, it_has.total)
    assert.equal(0, it_has.cost)
    assert.is_nil(it_has.seconds)
  end)

  it("takes results that are not what they should be", function()
    for _, result in ipairs { "", "nonsense", "[]", "1", "null", '{"answer":1,"url":{},"pull_requests":"x"}',
      '{"pull_requests":[1,null,{"url":""},{"url":5},{"number":"x"}],"title":null}', '{"answer":null}',
      '{"pull_requests":{"a":1}}', ("["):rep(5000) } do
      local run = new({ rows.row { key = "a", state = "done", result = result } }).runs[1]
      assert.is_nil(run.answer)
      assert.is_nil(run.url)
      assert.same({}, run.pull_requests)
    end
    local run = new({ rows.row { key = "a", state = "done",
      result = '{"pull_requests":["https://a.test/pull/1",{"url":"u","number":1.5}]}' } }).runs[1]
    assert.same({ { url = "https://a.test/pull/1" }, { url = "u" } }, run.pull_requests)
  end)

  it("takes numbers that are not what they should be", function()
    local row = rows.row { key = "a", state = "done", cost = 0 / 0, intended_at = 1e300, ended_at = -5 }
    local run = new({ row }).runs[1]
    assert.is_nil(run.cost)
    assert.is_nil(run.started_at)
    assert.is_nil(run.ended_at)
  end)

  it("refuses unknown options", function()
    assert.has_error(function() report.new({}, { widht = 80 }) end)
    assert.has_error(function() report.new({}, { width = "80" }) end)
  end)
end)
