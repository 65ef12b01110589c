-- V0 reports STOPPED before the runtime is up, after the service has shut it down, and after the work is done. Only the
-- events show which of these is the case.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a V0 conversation that this client has not seen at work", function()
  local function started(options, prompt)
    local client, model, transport = in_process.simulated(options, { api = "v0" })
    local conversation = assert(client:start { initial_user_msg = prompt or "x" })
    return client, conversation, model, transport
  end

  local function another_process(transport)
    return openhands.new { transport = transport, api_key = "any", api = "v0" }
  end

  it("is finished when its work is, in another process too", function()
    local client, conversation, model, transport = started {}
    model:advance(110)
    assert.equal("STOPPED", model:find(conversation.conversation_id).status)
    for _, each in ipairs { client, another_process(transport) } do
      local now = assert(each:status(conversation.conversation_id))
      assert.same({ "finished", true, "STOPPED" }, { now.state, now.settled, now.status })
      assert.is_string(now.answer)
      local done = assert(each:wait(conversation.conversation_id))
      assert.same({ "finished", "string" }, { done.state, type(done.answer) })
    end
    assert.equal(110, math.floor(model:time()))
  end)

  it("ends its wait when it has finished, however quickly it works", function()
    for _, api in ipairs { "v0", "auto" } do
      local client, model = in_process.simulated({ pace = 0.02, api = "v0" }, { api = api })
      local done = assert(client:run { initial_user_msg = "x" })
      assert.equal("finished", done.state)
      assert.is_true(model:time() < 10, model:time())
    end
  end)

  it("is failed when its work has failed", function()
    local client, conversation, model = started({}, "[simulate: error]")
    model:advance(200)
    assert.equal("failed", assert(client:status(conversation)).state)
    assert.equal("failed", assert(client:wait(conversation)).state)
  end)

  it("is starting until its runtime is up", function()
    local client, conversation, model = started {}
    for _ = 1, 5 do
      assert.same({ "starting", false }, { assert(client:status(conversation)).state, conversation.settled })
      model:advance(1)
    end
  end)

  it("is starting, not finished, after it was started again", function()
    local client, conversation, model = started {}
    model:advance(200)
    assert(client:start_again(conversation))
    local now = assert(client:status(conversation))
    assert.same({ "STOPPED", "starting" }, { now.status, now.state })
  end)
end)

describe("a V0 conversation whose runtime went down", function()
  local course = { '{"source":"user","action":"message","message":"Fix it."}' }
  local function add(...)
    local events = { course[1] }
    for _, state in ipairs { ... } do
      events[#events + 1] = ('{"source":"environment","observation":"agent_state_changed","content":"",'
        .. '"extras":{"agent_state":"%s"}}'):format(state)
    end
    return events
  end

  local ends = {
    { "finished", add("running", "finished") },
    { "finished", add("running", "finished", "stopped") },
    { "finished", add("running", "awaiting_user_input", "stopped") },
    { "failed", add("running", "error", "stopped") },
    { "stopped", add("running", "stopped") },
    { "stopped", add("running") },
    { "stopped", add("running", "paused") },
    { "stopped", add("running", "awaiting_user_confirmation") },
  }
  for place, row in ipairs(ends) do
    it(("is %s by its events (%d)"):format(row[1], place), function()
      for _, created_at in ipairs { "2025-01-01T00:00:00Z", "2026-08-20T09:14:00Z" } do
        local client, requests = in_process.scripted(function(request)
          if request.path:find "/events$" then
            local newest_first = {}
            for index = #row[2], 1, -1 do newest_first[#newest_first + 1] = row[2][index] end
            return in_process.json(('{"events":[%s],"has_more":false}'):format(table.concat(newest_first, ",")))
          end
          local body = '{"conversation_id":"%s","status":"STOPPED","created_at":"%s"}'
          return in_process.json(body:format(ID, created_at))
        end, { api = "v0" })
        local done = assert(client:wait(ID))
        assert.same({ row[1], true, 2 }, { done.state, done.settled, #requests })
      end
    end)
  end
end)
