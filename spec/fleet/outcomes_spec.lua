-- What the service answers to the starts of a fleet, and what becomes of the runs.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local simulator = require "openhands.simulator"
local worker_class = require "openhands.fleet.worker_class"

if not databases.is_supported "SQLite" then
  return describe("a fleet", function() it("is tested", function() pending "LuaDBI is missing" end) end)
end

describe("a fleet on a service that does not just start what it is asked to", function()
  local open, current = databases.fleet_specs(before_each, after_each, { start_interval = 0 })

  before_each(function() worker_class.patience = 0.001 end) -- the pauses in the ledger are real
  after_each(function() worker_class.patience = 1 end)

  local function fill(fleet, count)
    for place = 1, count do
      assert(fleet:add { key = "k" .. place, repository = "o/r" .. place, initial_user_msg = "Fix it." })
    end
  end

  local function fleet_of(count, settings, options)
    local client, model, transport = in_process.simulated(options or { api = "v1" }, { grace = 2, retries = 0 })
    local fleet = open(client, settings)
    fill(fleet, count)
    return fleet, model, transport, client
  end

  local function posts(model)
    local count = 0
    for _, request in ipairs(model.requests) do
      if request.method == "POST" and (request.path == "/api/v1/app-conversations"
          or request.path == "/api/conversations") then
        count = count + 1
      end
    end
    return count
  end

  local START = { method = "POST", path = "conversations$" }

  for _, visibility in ipairs { 0, 1 } do
    it("finds a start whose answer is lost, shown after " .. visibility .. " s", function()
      local fleet, model, transport = fleet_of(3, {}, { api = "v1", visibility = visibility })
      transport.faults = { { point = "after_commit", class = "timeout", match = START, count = 2 } }
      assert.equal(3, assert(fleet:run()).done)
      assert.same({ 3, 3 }, { model:jobs(), #model.starts })
    end)
  end

  it("sends a start again, with the same id, that never arrived", function()
    local fleet, model, transport = fleet_of(2)
    transport.faults = { { point = "before", class = "cut", sent = true, match = START, count = 3 } }
    local report = assert(fleet:run())
    assert.same({ 2, 2 }, { report.done, model:jobs() })
    for _, run in ipairs(report.runs) do
      assert.equal(1, #assert(fleet.ledger:conversation_ids(
        assert(fleet.ledger:find { account_id = fleet.account_id, fleet = "f", key = run.key }).run_id)))
    end
  end)

  it("never repeats a start of V0 whose answer is lost", function()
    local fleet, model, transport = fleet_of(3, { slots = 1 }, { api = "v0" })
    transport.faults = { { point = "after_commit", class = "timeout", match = START } }
    local report = assert(fleet:run())
    assert.same({ 2, 1, 3 }, { report.done, report.ambiguous, model:jobs() })
    report = assert(fleet:run())
    assert.same({ 2, 1, 3 }, { report.done, report.ambiguous, model:jobs() })
  end)

  it("returns to the queue what was not sent", function()
    local fleet, model, transport = fleet_of(2)
    transport.faults = { { point = "before", class = "connect", sent = false, match = START, count = 3 } }
    local report = assert(fleet:run())
    assert.same({ 2, 2 }, { report.done, model:jobs() })
  end)

  it("waits as long as a full service says", function()
    local fleet, model = fleet_of(2)
    model:throttle("window", 2, { starts = true, retry_after = 0 })
    assert.equal(2, assert(fleet:run()).done)
    assert.same({ 2, 4 }, { model:jobs(), posts(model) })
  end)

  it("pauses the account until its quota is renewed", function()
    local fleet, model = fleet_of(3, { slots = 1 })
    model:throttle("quota", 1)
    local report, err = fleet:run { timeout = 30 }
    assert.same({ nil, "timeout" }, { report, err.kind })
    local status = assert(fleet:status())
    assert.same({ 3, 0 }, { status.queued, status.live })
    assert.equal(1, posts(model))
    local claimed, why = fleet.ledger:claim { account_id = fleet.account_id, owner = "x", token = "t", lease = 1 }
    assert.same({ false, "paused" }, { claimed, why.reason })
    assert.is_true(why.ready_in > 3600)
  end)

  it("fails an item that the service refuses, and no other", function()
    local fleet, model, transport = fleet_of(2)
    local headers = { { "Content-Type", "application/json" } }
    transport.faults = { { point = "before", match = START,
      response = { status = 422, headers = headers, body = '{"detail":"Not you."}' } } }
    local report = assert(fleet:run())
    assert.same({ 1, 1, 1 }, { report.done, report.failed, model:jobs() })
    assert.matches("Not you", report.runs[1].error)
  end)

  it("ends with the error of a refused key, and keeps its items", function()
    local fleet, model = fleet_of(2, { account = "me" }, { api = "v1", keys = { "another" } })
    local report, err = fleet:run()
    assert.same({ nil, "authentication" }, { report, err.kind })
    assert.same({ 2, 0 }, { assert(fleet:status()).queued, model:jobs() })
    model:configure { keys = false }
    assert.same({ 2, 2 }, { assert(fleet:run()).done, model:jobs() })
  end)

  it("starts nothing more once the budget for models is spent", function()
    local fleet, model = fleet_of(4, { slots = 1 }, { api = "v1", outcome = "budget" })
    local report, err = fleet:run()
    assert.same({ nil, "quota" }, { report, err.kind })
    local status = assert(fleet:status())
    assert.same({ 1, 3, 1 }, { status.failed, status.queued, model:jobs() })
    model:configure { outcome = "finished" }
    report = assert(fleet:run())
    assert.same({ 3, 1, 4 }, { report.done, report.failed, model:jobs() })
  end)

  it("tells what failed", function()
    local fleet = fleet_of(1, {}, { api = "v1", outcome = "start-repository" })
    local report = assert(fleet:run())
    assert.matches("Unable to access repo", report.runs[1].error)
  end)

  for _, is_later in ipairs { false, true } do
    it("is the same one when the service does not tell its account, later " .. tostring(is_later), function()
      local model, is_silent = simulator.model { api = "v1" }, not is_later
      local client = in_process.altered(model, "users/me", function()
        return is_silent and { status = 404, headers = { ["content-type"] = "application/json" },
          body = '{"detail":"Not Found"}' } or nil
      end)
      local fleet = open(client)
      fill(fleet, 2)
      assert.equal(2, assert(fleet:run()).done)
      is_silent = not is_silent
      local again, err = client:fleet { name = "f", ledger = current.database.address }
      if is_later then
        assert.equal("conflict", err.kind)
        return assert.matches("the service does not tell the account now", err.message)
      end
      fill(again, 2)
      assert.equal(2, assert(again:run()).done)
      assert.equal(2, model:jobs())
      again:close()
    end)
  end

  it("fails no item because the address of the service is wrong", function()
    local client = in_process.altered(simulator.model { api = "v1" }, "", function()
      return { status = 404, headers = { ["content-type"] = "application/json" }, body = '{"detail":"Not Found"}' }
    end, { api = "auto", retries = 0 })
    local fleet = open(client)
    fill(fleet, 2)
    local report, err = fleet:run { timeout = 100 }
    assert.same({ nil, "not_found" }, { report, err.kind })
    assert.equal(2, assert(fleet:report()).queued)
  end)

  it("keeps secrets that the service repeats out of the ledger", function()
    local client = in_process.altered(simulator.model { api = "v1" }, "app%-conversations$", function(_, request)
      return request.method == "POST" and { status = 400, headers = { ["content-type"] = "application/json" },
        body = '{"detail":"the value s3cr3t-100%-value is wrong"}' } or nil
    end, { retries = 0 })
    local fleet = open(client, { secrets = { TOKEN = "s3cr3t-100%-value" } })
    assert(fleet:add { key = "a", initial_user_msg = "x", secrets = { TOKEN = { secret = "TOKEN" } } })
    assert.matches("the value %[redacted%] is wrong", assert(fleet:run()).runs[1].error)
  end)

  it("starts anew what a full account has refused in its start task", function()
    local fleet, model = fleet_of(1, { slots = 1 }, { api = "v1", outcome = "start-limit" })
    local count = 0
    local report = assert(fleet:run { on_change = function(run)
      if run.state == "queued" then
        count = count + 1
        model:configure { outcome = "finished" }
      end
    end })
    assert.same({ 1, 1, 2 }, { report.done, count, model:jobs() })
    local run = assert(fleet.ledger:find { account_id = fleet.account_id, fleet = "f", key = "k1" })
    assert.equal(2, #assert(fleet.ledger:conversation_ids(run.run_id)))
    assert.equal(3, assert(fleet.ledger:fleet { account_id = fleet.account_id, fleet = "f" }).learned_slots)
  end)

  it("resumes what the service has paused, or fails it", function()
    local fleet, model = fleet_of(2, {}, { api = "v1", outcome = "paused" })
    local states = {}
    local report = assert(fleet:run { on_change = function(run)
      if run.key == "k1" then states[#states + 1] = run.state end
    end })
    assert.same({ 2, 2 }, { report.done, model:jobs() })
    assert.same("starting running paused running done", table.concat(states, " "))
    local other = open(fleet.client, { name = "g", on_paused = "fail" })
    fill(other, 1)
    report = assert(other:run())
    assert.same({ 1, "it was paused, by a person or by the service" }, { report.failed, report.runs[1].error })
  end)

  it("counts the sandboxes of others, and keeps some slots free", function()
    local fleet, model, _, client = fleet_of(4, { reserve = 1, slots = 5 })
    assert(client.sandboxes:start())
    assert(fleet.ledger:set_learned_slots { account_id = fleet.account_id, slots = 3 })
    assert.equal(4, assert(fleet:run()).done)
    for place = 2, 4 do
      assert.is_true(model.starts[place].time - model.starts[place - 1].time >= 60)
    end
  end)

  it("starts nothing again after its ledger was lost", function()
    local fleet, model = fleet_of(3)
    assert.equal(3, assert(fleet:run()).done)
    local lost = current.database
    current.database = databases.start "SQLite"
    local again = open(fleet.client)
    fill(again, 3)
    local report = assert(again:run())
    assert.same({ 3, 3 }, { report.done, model:jobs() })
    lost.stop()
  end)

  for _, was_sent in ipairs { true, false } do
    it("looks before it starts what another worker has left, sent " .. tostring(was_sent), function()
      local fleet, model, _, client = fleet_of(1)
      local left = assert(fleet.ledger:claim { account_id = fleet.account_id, owner = "x", token = "t", lease = 0 })
      if was_sent then
        assert(client:start { conversation_id = left.conversation_id, initial_user_msg = "Fix it.",
          repository = "o/r1" })
        client:_remember(left.conversation_id).accepted = nil -- as in another process
      end
      local report = assert(fleet:run())
      assert.same({ 1, 1, 1 }, { report.done, model:jobs(), posts(model) })
      local _, err = fleet.ledger:finish(left, { state = "failed" })
      assert.equal("fenced", err.kind)
    end)
  end

  it("does not start on V0 what another worker has left", function()
    local fleet, model = fleet_of(1, {}, { api = "v0" })
    assert(fleet.ledger:claim { account_id = fleet.account_id, owner = "x", token = "t", lease = 0 })
    local report = assert(fleet:run())
    assert.same({ 1, 0 }, { report.ambiguous, model:jobs() })
    assert.matches("V0", report.runs[1].error)
  end)
end)
