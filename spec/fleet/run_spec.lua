-- Fleets from their items to their report, on the simulator in this process and in virtual time.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("a fleet", function() it("is tested", function() pending "LuaDBI is missing" end) end)
end

describe("a fleet", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  -- Returns a fleet with some items, and what it runs on.
  local function fleet_of(count, settings, options, prompt)
    local client, model, transport = in_process.simulated(options or { api = "v1" }, { grace = 2 })
    local fleet = open(client, settings)
    for place = 1, count do
      assert(fleet:add { key = "k" .. place, repository = "o/r" .. place, initial_user_msg = prompt or "Fix it." })
    end
    return fleet, model, transport, client
  end

  -- Returns the number of conversations that were started for each item.
  local function jobs_of(model)
    local ids, count = {}, 0
    for _, start in ipairs(model.starts) do
      if not ids[start.conversation_id] then
        ids[start.conversation_id], count = true, count + 1
      end
    end
    return count
  end

  it("starts each item once, and reports what became of it", function()
    local fleet, model = fleet_of(5, { slots = 2 })
    local lines, done = {}, {}
    local report = assert(fleet:run {
      on_change = function(run, previous) lines[#lines + 1] = ("%s %s %s"):format(run.key, previous, run.state) end,
      on_done = function(run) done[#done + 1] = run.key end,
    })
    assert.same({ 5, 0, 5 }, { report.done, report.failed, report.total })
    assert.equal(5, model:jobs())
    assert.equal(5, #model.starts)
    assert.equal(5, #done)
    assert.equal("k1 queued starting", lines[1])
    assert.truthy(report.cost > 0.3)
    for _, run in ipairs(report.runs) do
      assert.equal("done", run.state)
      assert.equal(1, run.attempts)
    end
    local again = assert(fleet:run())
    assert.equal(5, again.done)
    assert.equal(5, model:jobs())
  end)

  for _, api in ipairs { "v0", "v1" } do it("never has more conversations at work than slots, on " .. api, function()
    local fleet, model = fleet_of(7, { slots = 3, start_interval = 0 }, { api = api })
    local report = assert(fleet:run())
    assert.equal(7, report.done)
    assert.equal(7, model:jobs())
    local most = 0
    for _, one in ipairs(model.starts) do
      local live = 0
      for _, other in ipairs(model.starts) do
        if other.time <= one.time and one.time - other.time < (api == "v0" and 44 or 60) then live = live + 1 end
      end
      most = math.max(most, live)
    end
    assert.equal(3, most)
    assert.is_true(jobs_of(model) == 7)
  end) end

  it("learns the limit of the service, and stays below it", function()
    local fleet, model = fleet_of(6, { slots = 5, start_interval = 0 },
      { api = "v1", max_concurrent = 2, limit_mode = "refuse" })
    local report = assert(fleet:run())
    assert.equal(6, report.done)
    assert.equal(6, model:jobs())
    local row = assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" })
    assert.equal(2, row.learned_slots)
    local refused = 0
    for _, request in ipairs(model.requests) do
      if request.method == "POST" and request.path == "/api/v1/app-conversations" then refused = refused + 1 end
    end
    assert.is_true(refused - 6 <= 3, refused) -- those that were on their way when the first was refused
  end)

  it("keeps the slots in use, and never meets the limit that it knows", function()
    local fleet, model = fleet_of(100, { slots = 8 }, { api = "v1", max_concurrent = 8, limit_mode = "refuse" })
    local used, used_at_start, live, since, began, last = 0, 0, 0, model:time(), nil, nil
    local report = assert(fleet:run { on_change = function(run, previous)
      local now = model:time()
      used, since = used + live * (now - since), now
      if run.state == "starting" then
        live, last, used_at_start = live + 1, now, used
        if live == 8 and not began then began, used = now, 0 end
      elseif run.state == "done" and previous ~= "done" then
        live = live - 1
      end
    end })
    assert.equal(100, report.done)
    local share, work = used_at_start / (8 * (last - began)), 0
    assert.is_true(share >= 0.95 and share <= 1, share)
    for _, start in ipairs(model.starts) do -- a conversation takes a minute
      work = work + math.max(0, math.min(last, start.time + 60) - math.max(began, start.time))
    end
    work = work / (8 * (last - began))
    assert.is_true(work >= 0.9 and work <= share, work)
    print(("%.1f %% of the slots used, %.1f %% by agents at work"):format(100 * share, 100 * work))
    local posts = 0
    for _, request in ipairs(model.requests) do
      if request.method == "POST" and request.path == "/api/v1/app-conversations" then posts = posts + 1 end
    end
    assert.same({ 100, 100 }, { posts, #model.starts })
  end)

  it("goes on after its task was cancelled, or a function of the user has failed", function()
    local fleet, model, _, client = fleet_of(3, { slots = 2 })
    local task = client:spawn(function() return fleet:run() end)
    client:sleep(20)
    assert.is_true(task:cancel())
    local report, err = task:wait()
    assert.same({ nil, "cancelled" }, { report, err.kind })
    report, err = fleet:run { on_change = function() error "mine" end }
    assert.same({ nil, "raised" }, { report, err.kind })
    report, err = fleet:run { timeout = 5 }
    assert.same({ nil, "timeout" }, { report, err.kind })
    report = assert(fleet:run())
    assert.same({ 3, 3 }, { report.done, model:jobs() })
  end)

  it("is also run by a worker, which takes all fleets of its account", function()
    local fleet, model, transport, client = fleet_of(2)
    local other = open(client, { name = "g" })
    assert(other:add { key = "k", initial_user_msg = "Fix it." })
    local worker = assert(client:worker { ledger = current.database.address, transport = transport, api_key = "k" })
    assert.is_true(worker:run())
    worker:close()
    assert.same({ 2, 1, 3 }, { assert(fleet:report()).done, assert(other:report()).done, model:jobs() })
    for _, wrong in ipairs { { slots = 2 }, { ledgr = "x" }, { lease = 0 } } do
      assert.has_error(function() client:worker(wrong) end)
    end
  end)
end)
