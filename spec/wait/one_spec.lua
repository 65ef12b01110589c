local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a wait", function()
  local ends = {
    ["[simulate: error]"] = "failed",
    ["[simulate: start-error]"] = "failed",
    ["[simulate: stuck]"] = "failed",
    ["[simulate: waiting]"] = "waiting",
    ["[simulate: budget]"] = "failed",
    ["[simulate: paused]"] = "paused",
    ["[simulate: idle]"] = "finished",
    ["[simulate: missing]"] = "gone",
    ["[simulate: flap]"] = "finished",
    ["[simulate: unknown]"] = "finished",
    ["[simulate: slow]"] = "finished",
    ["nothing special"] = "finished",
  }
  for prompt, state in pairs(ends) do
    it(("ends with %s for %s"):format(state, prompt), function()
      local client = in_process.simulated({ api = "v1" })
      local done = assert(client:run { initial_user_msg = prompt, repository = "o/r" })
      assert.equal(state, done.state)
      assert.is_true(done.settled)
      if state == "finished" then
        assert.equal("string", type(done.answer))
      end
    end)
  end

  it("brings the answer, the cost, the title and the pull requests", function()
    local client = in_process.simulated({ api = "v1" })
    local done = assert(client:run { initial_user_msg = "Fix the typo", repository = "o/r" })
    assert.equal("Done. Opened pull request 7.", done.answer)
    assert.equal("number", type(done.cost))
    assert.equal("Fix the typo", done.title)
    assert.same({ "https://github.com/o/r/pull/7" }, done.pull_requests)
  end)

  it("brings the reason of a failure", function()
    local client = in_process.simulated({ api = "v1" })
    for prompt, words in pairs { ["start-error"] = "Sandbox failed to start", budget = "budget_exceeded" } do
      local done = assert(client:run { initial_user_msg = ("[simulate: %s]"):format(prompt) })
      assert.matches(words, done.detail)
    end
  end)

  it("follows V0 to its end", function()
    local client = in_process.simulated({ api = "v0" })
    local seen = {}
    local done = assert(client:run({ initial_user_msg = "x" }, {
      on_change = function(now, previous)
        seen[#seen + 1] = ("%s>%s"):format(tostring(previous), now.state)
      end,
    }))
    assert.equal("finished", done.state)
    assert.same({ "starting>running", "running>finished" }, seen)
  end)

  it("calls on_change once for each change", function()
    local client = in_process.simulated({ api = "v1" })
    local seen = {}
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert(client:wait(conversation.conversation_id, {
      interval = 1,
      on_change = function(now, previous)
        seen[#seen + 1] = ("%s>%s"):format(tostring(previous), now.state)
      end,
    }))
    assert.same({ "nil>starting", "starting>running", "running>finished" }, seen)
  end)

  it("that runs out of time says that the job goes on", function()
    local client, model = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local done, err = client:wait(conversation, { timeout = 10 })
    assert.is_nil(done)
    assert.equal("timeout", err.kind)
    assert.equal("starting", err.conversation.state)
    assert.equal(conversation.conversation_id, err.conversation_id)
    assert.is_true(err.retryable)
    assert.equal(10, model:time())
    assert.equal("finished", assert(client:wait(conversation)).state)
  end)

  it("polls once even with a timeout of zero", function()
    local client = in_process.simulated({ api = "v1" })
    local conversation = assert(client:run { initial_user_msg = "x" })
    assert.equal("finished", assert(client:wait(conversation, { timeout = 0 })).state)
  end)

  it("outlives transient errors", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    transport.faults = {
      { point = "before", class = "connect", count = 40 },
      { point = "before", response = in_process.json('{"detail":"x"}', 503), count = 20 },
      { point = "before", response = in_process.json("{}", 429, { { "Retry-After", "1" } }), count = 20 },
    }
    assert.equal("finished", assert(client:wait(conversation)).state)
    assert.is_true(model:time() > 60)
  end)

  it("ends when the key is refused, with what was last seen", function()
    local client, _, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local refusal = in_process.json('{"error":"NoCredentialsError"}', 401)
    transport.faults = { { point = "before", response = refusal, count = -1, skip = 2 } }
    local done, err = client:wait(conversation)
    assert.is_nil(done)
    assert.equal("authentication", err.kind)
    assert.equal("starting", err.conversation.state)
  end)

  it("ends when something else than this API keeps answering", function()
    local client, _, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local page = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" }
    transport.faults = { { point = "before", response = page, count = 2 } }
    assert.equal("finished", assert(client:wait(conversation)).state)
    transport.faults = { { point = "before", response = page, count = -1 } }
    local _, err = client:wait(conversation)
    assert.equal("protocol", err.kind)
  end)

  it("for an unknown conversation ends at once", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, model = in_process.simulated({ api = api })
      local done, err = client:wait(ID)
      assert.is_nil(done)
      assert.equal("not_found", err.kind)
      assert.equal(0, model:time())
    end
  end)

  it("takes one null for no end", function()
    local client, _, transport = in_process.simulated({ api = "v0" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    transport.faults = { { point = "before", response = in_process.json("null"), count = 2 } }
    assert.equal("finished", assert(client:wait(conversation)).state)
    transport.faults = { { point = "before", response = in_process.json("null"), count = -1 } }
    local _, err = client:wait(conversation)
    assert.equal("not_found", err.kind)
  end)

  it("does not add up single nulls of a V0 service", function()
    local client, _, transport = in_process.simulated({ api = "v0" })
    local conversation = assert(client:start { initial_user_msg = "[simulate: slow]" })
    local null = in_process.json("null")
    transport.faults = {
      { point = "before", response = null, skip = 2 },
      { point = "before", response = null, skip = 12 },
      { point = "before", response = null, skip = 22 },
      { point = "before", response = null, skip = 32 },
    }
    assert.equal("finished", assert(client:wait(conversation)).state)
  end)

  it("takes a V0 conversation that is STOPPED and does not say since when for stopped, in the end", function()
    local client = in_process.scripted(function()
      return in_process.json(('{"conversation_id":"%s","status":"STOPPED"}'):format(ID))
    end, { api = "v0" })
    assert.equal("stopped", assert(client:wait(ID)).state)
    assert.is_true(client:_now() < 700)
  end)

  it("ends when a conversation that was listed is deleted, although its start task is still shown", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "[simulate: slow]" })
    model:advance(200)
    assert.equal("running", assert(client:status(conversation)).state)
    transport.faults = { {
      point = "before",
      response = in_process.json "[null]",
      match = { path = "^/api/v1/app%-conversations$" },
      count = -1,
    } }
    local done, err = client:wait(conversation)
    assert.is_nil(done)
    assert.equal("not_found", err.kind)
    assert.is_true(model:time() < 600)
  end)

  it("does not sleep for hours because a service asks for it", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local never = in_process.json("{}", 503, { { "Retry-After", "999999999" } })
    transport.faults = { { point = "before", response = never, skip = 1 } }
    assert.equal("finished", assert(client:wait(conversation)).state)
    assert.is_true(model:time() < 300)
  end)

  it("of an unknown id ends after a while when the service cannot be reached", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local _, err = client:wait(ID)
    assert.equal("connect", err.kind)
    assert.is_true(model:time() >= 900 and model:time() < 960)
  end)

  it("passes time even with an interval of zero", function()
    local client = in_process.simulated({ api = "v1", pace = 0.01 })
    assert.equal("finished", assert(client:run({ initial_user_msg = "x" }, { interval = 0 })).state)
  end)

  it("ends when the program closes the client", function()
    local client = in_process.simulated({ api = "v1" })
    local _, err = client:run({ initial_user_msg = "x" }, {
      on_change = function()
        client:close()
      end,
    })
    assert.equal("closed", err.kind)
  end)

  it("takes the id of a start task for its conversation", function()
    local client = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local other = in_process.simulated({ api = "v1" }, { transport = client._settings.transport })
    local seen = assert(other:status(conversation.start_task_id))
    assert.equal(conversation.conversation_id, seen.conversation_id)
    assert.equal("finished", assert(other:wait(conversation.start_task_id)).state)
  end)

  it("polls more slowly as time goes by", function()
    local client, model = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "[simulate: slow]" })
    local first = #model.requests + 1
    assert(client:wait(conversation))
    local function gap(i)
      return model.requests[i + 1].time - model.requests[i].time
    end
    assert.equal(2, gap(first)) -- while it starts
    assert.is_true(gap(#model.requests - 2) > 20)
  end)

  it("raises for options that are none", function()
    local client = in_process.simulated({ api = "v1" })
    for pattern, options in pairs {
      ["unknown option 'intervall'"] = { intervall = 1 },
      ["'interval' must be a number of seconds"] = { interval = "1" },
      ["'timeout' must be a number of seconds"] = { timeout = -1 },
      ["'on_change' must be a function"] = { on_change = true },
    } do
      local good, message = pcall(client.wait, client, ID, options)
      assert.is_false(good)
      assert.matches(pattern, message)
    end
    assert.is_false((pcall(client.wait, client, nil)))
    assert.is_false((pcall(client.wait, client, {})))
    assert.is_false((pcall(client.run, client, "x")))
  end)

  it("lets an error of on_change through, and stays usable", function()
    local client = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local good, message = pcall(client.wait, client, conversation, {
      on_change = function()
        error "mine"
      end,
    })
    assert.is_false(good)
    assert.matches("mine", message)
    assert.equal("finished", assert(client:wait(conversation)).state)
  end)
end)
