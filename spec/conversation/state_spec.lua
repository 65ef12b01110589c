local states = require "openhands.conversation.state"

local GRACE = 60
local WALL = 1787217302 -- 2026-08-20T09:15:02Z

local function v1(sandbox, execution, memory, now)
  local answer = { sandbox_status = sandbox, execution_status = execution }
  return states.judge("v1", answer, memory or {}, now or 0, GRACE, WALL)
end

local function v0(status, memory, now, created_at)
  return states.judge("v0", { status = status, created_at = created_at }, memory or {}, now or 0, GRACE, WALL)
end

describe("the state of a V1 conversation", function()
  local table_of = {
    { "RUNNING", "running", "running", false },
    { "RUNNING", "finished", "finished", true },
    { "RUNNING", "error", "failed", true },
    { "RUNNING", "stuck", "failed", true },
    { "RUNNING", "waiting_for_confirmation", "waiting", true },
    { "RUNNING", "paused", "paused", true },
    { "RUNNING", "deleting", "gone", true },
    { "RUNNING", "idle", "starting", false },
    { "RUNNING", nil, "starting", false },
    { "STARTING", nil, "starting", false },
    { "PAUSED", nil, "paused", true },
    { "PAUSED", "running", "paused", true },
    { "ERROR", nil, "failed", true },
    { "MISSING", "finished", "finished", true },
    { "UNKNOWN", nil, "unknown", false },
    { "UNKNOWN", "running", "running", false },
    { "HIBERNATING", "dreaming", "unknown", false },
    { nil, nil, "unknown", false },
    { 7, {}, "unknown", false },
  }
  for _, row in ipairs(table_of) do
    local execution = type(row[2]) == "table" and "a table" or tostring(row[2])
    it(("is %s for %s and %s"):format(row[3], tostring(row[1]), execution), function()
      assert.same({ row[3], row[4] }, { v1(row[1], row[2]) })
    end)
  end

  it("is compared without case", function()
    assert.equal("finished", (v1("running", "FINISHED")))
    assert.equal("paused", (v1("paused", nil)))
  end)

  it("is finished when idle only after it ran", function()
    local memory = {}
    assert.equal("starting", (v1("RUNNING", "idle", memory)))
    assert.equal("running", (v1("RUNNING", "running", memory)))
    assert.same({ "running", false }, { v1("RUNNING", nil, memory) }) -- a failed live look-up
    assert.same({ "finished", true }, { v1("RUNNING", "idle", memory) })
  end)

  it("is gone only after three sightings as missing over the grace time", function()
    local memory = {}
    v1("RUNNING", "running", memory, 0)
    assert.same({ "running", false }, { v1("MISSING", nil, memory, 10) })
    assert.same({ "running", false }, { v1("MISSING", nil, memory, 100) })
    assert.same({ "gone", true }, { v1("MISSING", nil, memory, 101) })

    memory = {}
    for now = 0, 5 do
      assert.same({ "unknown", false }, { v1("MISSING", nil, memory, now) })
    end
    assert.equal("running", (v1("RUNNING", "running", memory, 30))) -- it was a slip
    assert.equal("running", (v1("MISSING", nil, memory, 70)))
  end)
end)

describe("the state of a V1 conversation that was spoken to", function()
  it("is not the end of the turn before, until the agent has been seen at work", function()
    for _, execution in ipairs { "finished", "error", "paused" } do
      local memory = { message_at = 100 }
      assert.same({ "running", false }, { v1("RUNNING", execution, memory, 101) })
      assert.same({ "running", false }, { v1("RUNNING", "running", memory, 102) })
      assert.is_true(select(2, v1("RUNNING", execution, memory, 103)))
    end
  end)

  it("is what the service says after a while all the same", function()
    local memory = { message_at = 100 }
    assert.same({ "finished", true }, { v1("RUNNING", "finished", memory, 115) })
    assert.is_nil(memory.message_at)
  end)

  it("is no secret where the sandbox sleeps", function()
    assert.same({ "paused", true }, { v1("PAUSED", nil, { message_at = 100 }, 101) })
  end)
end)

describe("the state of a V1 start task", function()
  it("is starting until it failed", function()
    for _, status in ipairs { "WORKING", "WAITING_FOR_SANDBOX", "READY", "SOMETHING_NEW" } do
      assert.same({ "starting", false }, { states.judge_task { status = status } })
    end
    assert.same({ "failed", true }, { states.judge_task { status = "ERROR" } })
    assert.same({ "starting", false }, { states.judge_task { status = 7 } })
  end)
end)

describe("the state of a V0 conversation", function()
  it("follows the status", function()
    assert.same({ "running", false }, { v0 "RUNNING" })
    assert.same({ "starting", false }, { v0 "STARTING" })
    assert.same({ "failed", true }, { v0 "ERROR" })
    assert.same({ "gone", true }, { v0 "ARCHIVED" })
    assert.same({ "unknown", false }, { v0 "SNOOZING" })
    assert.same({ "unknown", false }, { v0(nil) })
    assert.same({ "unknown", false }, { v0(7) })
  end)

  it("takes STOPPED for the end only after RUNNING", function()
    local memory = { started_at = 0 }
    assert.same({ "starting", false }, { v0("STOPPED", memory, 1) })
    v0("RUNNING", memory, 2)
    assert.same({ "stopped", true }, { v0("STOPPED", memory, 3) })
  end)

  it("takes STOPPED at its word when the start is long ago", function()
    assert.same({ "starting", false }, { v0("STOPPED", { started_at = 0 }, 599) })
    assert.same({ "stopped", true }, { v0("STOPPED", { started_at = 0 }, 600) })
    assert.same({ "stopped", true }, { v0("STOPPED", {}, 0, "2025-04-29T15:13:51.370706Z") })
    assert.same({ "starting", false }, { v0("STOPPED", {}, 0, "2026-08-20T09:10:02Z") })
    assert.same({ "stopped", true }, { v0("STOPPED", {}, 0, "2026-08-20T09:05:02Z") })
    assert.same({ "starting", false }, { v0("STOPPED", {}, 0, nil) })
    assert.same({ "starting", false }, { v0("STOPPED", {}, 0, "soon") })
  end)
end)

describe("the end of a V0 conversation's work", function()
  local function judged(fields)
    local memory = {}
    local state, settled = states.judge_result(fields, memory)
    assert.equal(state, memory.state)
    return { state, settled }
  end

  local words = {
    finished = "finished",
    awaiting_user_confirmation = "waiting",
    error = "failed",
    rejected = "failed",
    stopped = "stopped",
    paused = "paused",
    FINISHED = "finished",
  }
  for word, state in pairs(words) do
    it(("is %s for an agent that is %s"):format(state, word), function()
      assert.same({ state, true }, judged { agent_state = word })
      assert.same({ "running", false }, judged { agent_state = word, has_new_message = true })
    end)
  end

  it("is not yet for an agent at work, or one that is what nobody knows", function()
    for _, word in ipairs { "loading", "init", "running", "user_confirmed", "user_rejected", "dreaming", "" } do
      assert.same({ "running", false }, judged { agent_state = word })
    end
    assert.same({ "running", false }, judged {})
    assert.same({ "running", false }, judged { agent_state = 7 })
  end)

  it("is the end of its turn for an agent that waits for words, if it has worked", function()
    assert.same({ "running", false }, judged { agent_state = "awaiting_user_input" })
    assert.same({ "finished", true }, judged { agent_state = "awaiting_user_input", agent_acted = true })
  end)

  it("is stopped for one that the service closed for want of room", function()
    assert.same({ "stopped", true }, judged { agent_state = "running", closed_by_limit = "x" })
    assert.same({ "stopped", true }, judged { closed_by_limit = "x" })
  end)
end)
