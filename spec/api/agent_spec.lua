-- How a client finds the agent server of a conversation: its address and session key, how they are looked up again, and
-- where neither this key nor the account's may be sent.

local calls = require "spec.support.calls"
local canary = require "spec.support.canary"
local in_process = require "spec.support.in_process"
local agent_requests = require "spec.support.agent_requests"
local assertions = require "spec.support.assertions"

describe("an agent server", function()
  local at, agent, model

  before_each(function()
    at = calls.sandbox()
    agent, model = at.agent, at.model
  end)

  after_each(function()
    canary.assert_keys_apart(model)
  end)

  local function refused(kind, value, err) return agent_requests.assert_refused(at, kind, value, err) end

  -- Pauses the sandbox without the client's knowledge.
  local function pause_unnoticed() model:pause(model:find(assertions.comparable_id(at.id))) end

  it("is found by the conversation, by its id, and as a method of the conversation", function()
    local id = assert(agent:info()).id
    assert.equal(assertions.comparable_id(at.id), assertions.comparable_id(id))
    for _, subject in ipairs { at.conversation, id, id:upper() } do
      assert.equal(id, assert(at.client:agent(subject):info()).id)
    end
    assert.equal(id, assert(at.conversation:agent():info()).id)
    assert.matches(at.id, tostring(agent), 1, true)
  end)

  it("is looked up once", function()
    at.client, model = in_process.simulated { api = "v1" }
    local id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    model:advance(20)
    local since = #model.requests
    agent = at.client:agent(id)
    assert.equal(since, #model.requests)
    assert(agent:info())
    local lookups = #agent_requests.to_service(model, since)
    assert.is_true(lookups >= 1)
    assert(agent:info())
    assert.equal(lookups, #agent_requests.to_service(model, since))
    assert.equal(2, #agent_requests.to_sandbox(model, since))
  end)

  describe("that is paused", function()
    it("is a conflict with advice", function()
      assert(at.client:pause(at.id))
      local since = #model.requests
      for _, try in ipairs {
        function() return agent:info() end,
        function() return agent:run() end,
        function() return agent:send { content = "x", run = true } end,
        function() return agent:execute "true" end,
        function() return agent:bash "true" end,
        function() return agent:events():page() end,
        function() return agent:upload("/x", "y") end,
        function() return agent:download("/x", at.target) end,
        function() return agent:request { path = "/alive" } end,
      } do
        local err = refused("conflict", try())
        assert.matches("is paused and its server does not run; resume it first", err.message, 1, true)
        assert.equal("paused", err.conversation.state)
      end
      assert.equal(0, #agent_requests.to_sandbox(model, since))
      assert.is_nil(io.open(at.target))
    end)

    it("is a conflict for a client that did not know it, too", function()
      assert(agent:info())
      pause_unnoticed()
      local err = refused("conflict", agent:info())
      assert.matches("resume it first", err.message, 1, true)
    end)

    it("may have done the last request when its answer is lost", function()
      assert(agent:info())
      pause_unnoticed()
      local err = refused("ambiguous", agent:send { content = "x", run = true })
      assert.equal("paused", err.conversation.state)
    end)

    it("has another key when it resumes, and the same object uses it", function()
      assert(agent:info())
      local old = at.conversation.session_api_key
      assert(at.client:pause(at.id))
      local conversation = assert(at.client:resume(at.id))
      assert.are_not.equal(old, conversation.session_api_key)
      local since = #model.requests
      assert(agent:info())
      local requests = agent_requests.to_sandbox(model, since)
      assert.equal(1, #requests)
      assert.equal(conversation.session_api_key, requests[1].headers["x-session-api-key"])
    end)

    it("is looked up again when another program has resumed it", function()
      assert(agent:info())
      pause_unnoticed()
      model:schedule(model:find(assertions.comparable_id(at.id)), { { 0, { sandbox_status = "RUNNING" } } })
      local since = #model.requests
      assert(agent:info())
      assert.equal(2, #agent_requests.to_sandbox(model, since)) -- refused with the old key, then with the new one
      assert.equal(1, #agent_requests.to_service(model, since))
      assert(agent:send "x")
    end)

    it("receives a message again that it has certainly not received", function()
      assert(agent:info())
      pause_unnoticed()
      model:schedule(model:find(assertions.comparable_id(at.id)), { { 0, { sandbox_status = "RUNNING" } } })
      assert(agent:send { content = "Only once.", run = true })
      local count = 0
      for event in agent:events() do
        count = count + (event.llm_message and event.llm_message.content[1].text == "Only once." and 1 or 0)
      end
      assert.equal(1, count)
    end)
  end)

  it("that refuses its key is called again only if there is another key", function()
    assert(agent:info())
    local unauthorized = in_process.json('{"detail":"Unauthorized"}', 401)
    at.transport.faults = { { point = "before", response = unauthorized, match = { path = "^/runtime/" }, count = -1 } }
    for _, try in ipairs { function() return agent:info() end, function() return agent:run() end } do
      local since = #model.requests
      local err = refused("authentication", try())
      assert.matches("refuses its session key", err.message, 1, true)
      assert.equal(1, #agent_requests.to_sandbox(model, since))
      assert.equal(1, #agent_requests.to_service(model, since))
    end
  end)

  it("reports itself what is missing", function()
    assert(agent:info())
    local since = #model.requests
    refused("not_found", agent:event "unknown")
    refused("not_found", agent:download("/nowhere", at.target))
    assert.equal(0, #agent_requests.to_service(model, since))
  end)

  it("is a conflict while the conversation starts", function()
    at.id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    local err = refused("conflict", at.client:agent(at.id):info())
    assert.matches("is starting and its server does not run yet", err.message, 1, true)
  end)

  it("is a conflict once the sandbox is deleted", function()
    assert(agent:info())
    assert(at.client.sandboxes:delete(at.conversation.sandbox_id))
    local err = refused("conflict", agent:info())
    assert.is_not_nil(err.conversation)
  end)

  it("is not found when the conversation is unknown", function()
    at.id = "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"
    refused("not_found", at.client:agent(at.id):info())
  end)

  it("is unsupported on V0", function()
    at.client, model = in_process.simulated { api = "v0" }
    at.id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    model:advance(20)
    local err = refused("unsupported", at.client:agent(at.id):info())
    assert.matches("the V0 API has no agent server", err.message, 1, true)
    assert.equal(0, #agent_requests.to_sandbox(model, 0))
  end)
end)
