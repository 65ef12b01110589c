-- The end of work on V0, which only the events of a conversation tell.
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("the end of work on V0", function()
  local function changed(state, reason)
    return ('{"source":"environment","observation":"agent_state_changed","content":"","extras":'
      .. '{"agent_state":"%s","reason":"%s"}}'):format(state, reason or "")
  end

  local function said(source, words)
    return ('{"source":"%s","action":"message","message":"%s","args":{"content":"%s"}}'):format(source, words, words)
  end

  local command = '{"source":"agent","action":"run","args":{"command":"ls"}}'
  local system = '{"source":"agent","action":"system","args":{"content":"You are an agent"}}'
  local finish = '{"source":"agent","action":"finish","message":"m","args":{"final_thought":"All done."}}'
  local output = '{"source":"agent","action":"finish","message":"m","args":{"outputs":{"content":"Out."}}}'
  local closing = '{"source":"agent","action":"finish","message":"Bye.","args":{"final_thought":""}}'
  local reject = '{"source":"agent","action":"reject","message":"m","args":{"outputs":{"reason":"I may not."}}}'
  local crowd = '{"source":"environment","status_update":true,"id":"AGENT_ERROR$TOO_MANY_CONVERSATIONS"}'
  local asked = said("user", "Fix it.")

  -- A V0 service with this status whose events are these, oldest first.
  local function service(status, events, refusal)
    return in_process.scripted(function(request)
      if request.path:find "/events$" then
        if refusal then return refusal end
        assert.equal("reverse=true&limit=20", request.query)
        local newest_first = {}
        for place = #events, math.max(1, #events - 19), -1 do newest_first[#newest_first + 1] = events[place] end
        return in_process.json(('{"events":[%s],"has_more":false}'):format(table.concat(newest_first, ",")))
      end
      local answer = '{"conversation_id":"%s","status":"%s","created_at":"2025-01-01T00:00:00Z"}'
      return in_process.json(answer:format(ID, status))
    end, { api = "v0" })
  end

  local course = { system, asked, changed "loading", changed "running", command }
  local function after(...)
    local events = {}
    for place, one in ipairs(course) do events[place] = one end
    for place = 1, select("#", ...) do events[#course + place] = (select(place, ...)) end
    return events
  end

  local ends = {
    { "finished", "finished", after(finish, changed "finished"), answer = "All done." },
    { "finished, as older servers tell", "finished", after(output, changed "finished"), answer = "Out." },
    { "finished without a thought", "finished", after(closing, changed "finished"), answer = "Bye." },
    { "a message", "finished", after(said("agent", "Which?"), changed "awaiting_user_input"), answer = "Which?" },
    { "a message, with the state far back", "finished", { asked, command, changed "awaiting_user_input" } },
    { "a wish for confirmation", "waiting", after(changed "awaiting_user_confirmation") },
    { "an error", "failed", after(changed("error", "STATUS$ERROR_LLM")), detail = "STATUS$ERROR_LLM" },
    { "an error that is observed", "failed",
      after('{"observation":"error","content":"It broke."}', changed "error"), detail = "It broke." },
    { "a rejection", "failed", after(reject, changed "rejected"), detail = "I may not." },
    { "a stop", "stopped", after(changed "stopped") },
    { "a pause", "paused", after(changed "paused") },
    { "want of room", "stopped", after(crowd), detail = "too many conversations ran at once" },
    { "want of room, told as a reason", "stopped", after(changed("stopped", "AGENT_ERROR$TOO_MANY_CONVERSATIONS")),
      detail = "too many conversations ran at once" },
  }
  for _, row in ipairs(ends) do
    it("is " .. row[1], function()
      local client, requests = service("RUNNING", row[3])
      local done = assert(client:wait(ID, { timeout = 100 }))
      assert.same({ row[2], true }, { done.state, done.settled })
      assert.equal(row.answer, done.answer)
      if row.detail then assert.is_truthy(done.detail:find(row.detail, 1, true), done.detail) end
      assert.equal(2, #requests)
    end)
  end

  local works = {
    ["it runs"] = after(),
    ["it loads"] = { system, asked, changed "loading" },
    ["it has only been set up"] = { system, changed "loading", changed "awaiting_user_input" },
    ["it has not taken up what was said"] = after(finish, changed "finished", said("user", "And that one?")),
    ["it works on what was said then"] =
      after(finish, changed "finished", said("user", "And that one?"), changed "running", command),
    ["it was closed for want of room once, and goes on"] = { asked, crowd, changed "running", command },
    ["it says nothing of its state"] = { command, command },
    ["it has no events"] = {},
    ["its events are odd"] = { "7", "null", "[]", '{"observation":"agent_state_changed"}', '{"extras":7,"args":"x"}' },
  }
  for why, events in pairs(works) do
    it("is not when " .. why, function()
      local client, requests = service("RUNNING", events)
      local _, err = client:wait(ID, { timeout = 100 })
      assert.equal("timeout", err.kind)
      assert.same({ "running", false }, { err.conversation.state, err.conversation.settled })
      assert.is_true(#requests > 10)
    end)
  end

  local over = {
    STOPPED = { "finished", after(finish, changed "finished", changed "stopped"), answer = "All done." },
    ERROR = { "failed", after(changed("error", "Out of credits.")), detail = "Out of credits." },
    ARCHIVED = { "gone", after(crowd, changed "stopped"), detail = "too many conversations ran at once" },
  }
  for status, row in pairs(over) do
    it(("brings what the events tell of one that is %s, with one look at them"):format(status), function()
      local client, requests = service(status, row[2])
      local done = assert(client:wait(ID))
      assert.equal(row[1], done.state)
      assert.equal(row.answer, done.answer)
      if row.detail then assert.is_truthy(done.detail:find(row.detail, 1, true), done.detail) end
      assert.equal(2, #requests)
    end)
  end

  local refusals = {
    ["404"] = in_process.json('{"detail":"Conversation not found"}', 404),
    ["500 text"] = { status = 500, headers = { { "Content-Type", "text/plain" } }, body = "Internal Server Error" },
    ["a web page"] = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" },
    ["403"] = in_process.json("{}", 403),
    ["no list"] = in_process.json '{"events":7}',
  }
  for name, answer in pairs(refusals) do
    it("is that of the status where the service answers with " .. name, function()
      local client, requests = service("RUNNING", {}, answer)
      local _, err = client:wait(ID, { timeout = 600 })
      assert.same({ "timeout", "running" }, { err.kind, err.conversation.state })
      local looks, readings = 0, 0
      for _, request in ipairs(requests) do
        if request.path:find "/events$" then readings = readings + 1 else looks = looks + 1 end
      end
      assert.is_true(looks > 20 and readings >= 2 and readings < looks / 1.5, looks .. " " .. readings)
      client = service("STOPPED", {}, answer)
      assert.equal("stopped", assert(client:wait(ID)).state)
    end)
  end

  it("costs nothing in a call for the status", function()
    local client, requests = service("RUNNING", after(finish, changed "finished"))
    assert.equal("running", assert(client:status(ID)).state)
    assert.equal(1, #requests)
  end)

  it("is seen in the simulator, by an agent's message too", function()
    local outcomes = { ["x"] = "finished", ["[simulate: waiting]"] = "waiting", ["[simulate: idle]"] = "finished" }
    for prompt, state in pairs(outcomes) do
      local client, model = in_process.simulated { api = "v0", pace = 10 }
      local done = assert(client:run { initial_user_msg = prompt })
      assert.equal(state, done.state)
      assert.is_true(model:time() < 600)
    end
  end)
end)
