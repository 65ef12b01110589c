-- A conversation's own agent server, through the face: every method, how its address and its key are found and found
-- again, and where neither of the two keys may go.

local calls = require "spec.support.calls"
local core = require "openhands.core"
local canary = require "spec.support.canary"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"

local BINARY = ("a\0\255\r\n--b"):rep(40)

local function is_to_sandbox(request) return request.path:find("^/runtime/") ~= nil end

-- Requests since a moment, to the sandbox or to the service.
local function sent(model, since, to_sandbox)
  local found = {}
  for i = since + 1, #model.requests do
    if is_to_sandbox(model.requests[i]) == to_sandbox then
      found[#found + 1] = model.requests[i]
    end
  end
  return found
end

describe("an agent server", function()
  local at, agent, model

  before_each(function()
    at = calls.sandbox()
    agent, model = at.agent, at.model
  end)

  after_each(function()
    canary.assert_keys_apart(model)
  end)

  local function refused(kind, value, err)
    assert.is_nil(value)
    assert.equal(kind, assertions.assert_error(err).kind)
    assert.equal(assertions.same_id(at.id), assertions.same_id(err.conversation_id))
    return err
  end

  -- The sandbox sleeps, and nobody has told the client.
  local function fall_asleep() model:pause(model:find(assertions.same_id(at.id))) end

  describe("has every call of the table:", function()
    it("an example for each", function()
      for _, name in ipairs(calls.agent_names) do
        assert.is_function(calls.agent_examples[name], "no example for " .. name)
      end
    end)

    for _, name in ipairs(calls.agent_names) do
      it(name, function()
        at = calls.sandbox(name)
        model = at.model
        local arguments = calls.agent_examples[name](at)
        local value, err = calls.call(at.agent, name, arguments)
        assert.is_nil(err, tostring(err))
        if name == "get" then
          assert.equal("table", type(value[at.id]))
        else
          calls.shapes[calls.agent_rows[name].agent.shape](value, at)
        end
        os.remove(at.target)
      end)
    end
  end)

  it("is found by the conversation, by its id, and through the conversation", function()
    local id = assert(agent:info()).id
    assert.equal(assertions.same_id(at.id), assertions.same_id(id))
    for _, subject in ipairs { at.conversation, id, id:upper() } do
      assert.equal(id, assert(at.client:agent(subject):info()).id)
    end
    assert.equal(id, assert(at.conversation:agent():info()).id)
    assert.matches(at.id, tostring(agent), 1, true)
  end)

  it("is looked up once, and remembered", function()
    at.client, model = in_process.simulated { api = "v1" }
    local id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    model:advance(20)
    local since = #model.requests
    agent = at.client:agent(id)
    assert.equal(since, #model.requests)
    assert(agent:info())
    local looks = #sent(model, since, false)
    assert.is_true(looks >= 1)
    assert(agent:info())
    assert.equal(looks, #sent(model, since, false))
    assert.equal(2, #sent(model, since, true))
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
      assert.equal(0, #sent(model, since, true))
      assert.is_nil(io.open(at.target))
    end)

    it("is a conflict for a client that does not know it yet, too", function()
      assert(agent:info())
      fall_asleep()
      local err = refused("conflict", agent:info())
      assert.matches("resume it first", err.message, 1, true)
    end)

    it("may have done the last request when its answer is lost", function()
      assert(agent:info())
      fall_asleep()
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
      local requests = sent(model, since, true)
      assert.equal(1, #requests)
      assert.equal(conversation.session_api_key, requests[1].headers["x-session-api-key"])
    end)

    it("is found again when another program has resumed it", function()
      assert(agent:info())
      fall_asleep()
      model:schedule(model:find(assertions.same_id(at.id)), { { 0, { sandbox_status = "RUNNING" } } })
      local since = #model.requests
      assert(agent:info())
      assert.equal(2, #sent(model, since, true)) -- refused with the old key, then with the new one
      assert.equal(1, #sent(model, since, false))
      assert(agent:send "x")
    end)

    it("is sent again what it has certainly not done, once it is found", function()
      assert(agent:info())
      fall_asleep()
      model:schedule(model:find(assertions.same_id(at.id)), { { 0, { sandbox_status = "RUNNING" } } })
      assert(agent:send { content = "Only once.", run = true })
      local said = 0
      for event in agent:events() do
        said = said + (event.llm_message and event.llm_message.content[1].text == "Only once." and 1 or 0)
      end
      assert.equal(1, said)
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
      assert.equal(1, #sent(model, since, true))
      assert.equal(1, #sent(model, since, false))
    end
  end)

  it("may say itself what is missing", function()
    assert(agent:info())
    local since = #model.requests
    refused("not_found", agent:event "unknown")
    refused("not_found", agent:download("/nowhere", at.target))
    assert.equal(0, #sent(model, since, false))
  end)

  it("is a conflict while the conversation starts", function()
    at.id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    local err = refused("conflict", at.client:agent(at.id):info())
    assert.matches("is starting and its server does not run yet", err.message, 1, true)
  end)

  it("is gone once the sandbox is gone", function()
    assert(agent:info())
    assert(at.client.sandboxes:delete(at.conversation.sandbox_id))
    local err = refused("conflict", agent:info())
    assert.is_not_nil(err.conversation)
  end)

  it("is not found where the conversation is unknown", function()
    at.id = "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"
    refused("not_found", at.client:agent(at.id):info())
  end)

  it("is unsupported on V0", function()
    at.client, model = in_process.simulated { api = "v0" }
    at.id = assert(at.client:start { initial_user_msg = "x" }).conversation_id
    model:advance(20)
    local err = refused("unsupported", at.client:agent(at.id):info())
    assert.matches("the V0 API has no agent server", err.message, 1, true)
    assert.equal(0, #sent(model, 0, true))
  end)

  describe("runs commands", function()
    it("to their end", function()
      local output = assert(agent:execute "echo hello")
      assert.same({ 0, "hello\n" }, { output.exit_code, output.stdout })
      assert.equal(3, assert(agent:execute { command = "exit 3", cwd = "/" }).exit_code)
    end)

    it("until their time is over", function()
      local output = assert(agent:execute { command = "sleep 100", timeout = 5 })
      assert.same({ -1, "....." }, { output.exit_code, output.stdout })
    end)

    it("for as long as they may take, or as the caller allows", function()
      at = calls.sandbox("execute", { deadline = 60 })
      agent, model = at.agent, at.model
      local execute, seconds = core.execute, {}
      function core.execute(handle, fields, options)
        seconds[#seconds + 1] = math.floor(options.timeout)
        return execute(handle, fields, options)
      end
      local good, problem = pcall(function()
        assert(agent:execute "true")
        assert(agent:execute { command = "true", timeout = 3600 })
        assert(agent:execute({ command = "true", timeout = 3600 }, { timeout = 90 }))
        assert(agent:execute({ command = "true", timeout = 3600 }, { deadline = 30 }))
      end)
      core.execute = execute
      assert.is_true(good, problem)
      assert.same({ 60, 3630, 90, 30 }, seconds)
    end)

    it("and follows what they print", function()
      local outputs, started = {}, model:time()
      local ended_at
      for output in assert(agent:bash("sleep 4", { interval = 0.1 })) do
        outputs[#outputs + 1] = output.stdout or output.exit_code
        ended_at = model:time()
      end
      assert.same({ ".", ".", ".", ".", 0 }, outputs)
      assert.matches("order__gt=[23]", model.requests[#model.requests].query) -- only what is new
      assert.is_true(ended_at - started <= 4.2)
      local all = assert(agent:bash { command = "sleep 60", timeout = 2 }):all()
      assert.equal(-1, all[#all].exit_code)
    end)

    it("and waits however long they print nothing", function()
      local silent = in_process.json('{"items":[],"next_page_id":null}')
      at.transport.faults = {
        { point = "before", response = silent, match = { path = "/bash_events/search$" }, count = 50 },
      }
      local outputs = assert(agent:bash "echo late"):all()
      assert.equal("late\n", outputs[1].stdout)
      assert.is_true(#sent(model, 0, true) > 50)
    end)

    it("and gives up on one whose end is never reported", function()
      local silent = in_process.json('{"items":[],"next_page_id":null}')
      at.transport.faults = {
        { point = "before", response = silent, match = { path = "/bash_events/search$" }, count = -1 },
      }
      local before = model:time()
      refused("timeout", assert(agent:bash { command = "true", timeout = 20 }):next())
      assert.is_true(model:time() - before < 60)
    end)

    it("and continues to follow after an error", function()
      local outputs = assert(agent:bash "sleep 3")
      assert.equal(".", assert(outputs:next()).stdout)
      at.transport.faults = { { point = "before", class = "connect", match = { path = "/bash_events/" }, count = 4 } }
      local _, err = outputs:next()
      assert.equal("connect", assertions.assert_error(err).kind)
      at.transport.faults = {}
      local rest = assert(outputs:all())
      assert.equal(3, #rest)
      assert.equal(0, rest[3].exit_code)
    end)
  end)

  describe("has files", function()
    it("that go there and come back as they were", function()
      assert(agent:upload("/workspace/project/a b&c.bin", BINARY))
      local file = assert(agent:download("/workspace/project/a b&c.bin", at.target))
      assert.same({ path = at.target, bytes = #BINARY }, file)
      local handle = assert(io.open(at.target, "rb"))
      assert.equal(BINARY, handle:read "*a")
      handle:close()
      os.remove(at.target)
    end)

    it("by absolute paths", function()
      for _, path in ipairs { "a.txt", "", 7, {} } do
        for _, name in ipairs { "upload", "download" } do
          local good, message = pcall(agent[name], agent, path, "x")
          assert.is_false(good)
          assert.matches(name .. ": needs the absolute path of a file in the sandbox", message, 1, true)
        end
      end
      assert.equal(0, #sent(model, at.sent, true))
    end)

    it("and changes of theirs", function()
      assert(agent:upload("/workspace/project/new.txt", "x"))
      local paths = {}
      for _, change in ipairs(assert(agent:changes "/workspace/project")) do
        paths[change.path] = change.status
      end
      assert.same({ ["new.txt"] = "ADDED", ["PLAN.md"] = "ADDED", ["README.md"] = "UPDATED" }, paths)
      assert.equal("x", assert(agent:diff "/workspace/project/new.txt").modified)
    end)
  end)

  describe("lets the agent", function()
    it("continue, and is refused while it works", function()
      local err = refused("conflict", agent:run())
      assert.equal(409, err.status)
      assert(agent:pause())
      model:advance(3)
      assert.equal("paused", assert(agent:info()).execution_status)
      assert(agent:run())
      assert.equal("running", assert(agent:info()).execution_status)
      assert(agent:interrupt())
      assert.equal("paused", assert(agent:info()).execution_status)
    end)

    it("do, or not do, what it asks permission for", function()
      at.id = assert(at.client:start { initial_user_msg = "[simulate: waiting]" }).conversation_id
      assert.equal("waiting", assert(at.client:wait(at.id)).state)
      agent = at.client:agent(at.id)
      assert(agent:confirm { accept = false, reason = "Not that." })
      assert.equal("idle", assert(agent:info()).execution_status)

      at.id = assert(at.client:start { initial_user_msg = "[simulate: waiting]" }).conversation_id
      assert.equal("waiting", assert(at.client:wait(at.id)).state)
      agent = at.client:agent(at.id)
      assert(agent:confirm(true))
      assert.equal("finished", assert(at.client:wait(at.id)).state)
    end)

    it("tell its events and its last word", function()
      assert.equal("finished", assert(at.client:wait(at.id)).state)
      local events = assert(agent:events():all())
      assert.equal(#events, assert(agent:event_count()))
      assert.is_true(#events > 5)
      local seen = {}
      for event in agent:events { limit = 2 } do
        assert.is_nil(seen[event.id])
        seen[event.id] = true
      end
      for _, event in ipairs(events) do
        assert.is_true(seen[event.id])
      end
      assert.equal(events[1].id, assert(agent:event(events[1].id)).id)
      assert.is_true(#assert(agent:final_response()).response > 0)
    end)

    it("count as at work after a message that lets it continue, and only then", function()
      local memory = at.client:_remember(at.id)
      for _, quiet in ipairs {
        function() return agent:send { content = "x", run = false } end,
        function() return agent:info() end,
        function() return at.client:send(at.id, { content = "x", run = false }) end,
      } do
        assert(quiet())
        assert.is_nil(memory.message_at)
      end
      assert(agent:interrupt())
      for _, heard in ipairs {
        function() return agent:send "x" end,
        function() return agent:send { content = "x", run = true } end,
        function() return at.client:send(at.id, "x") end,
        function() return agent:interrupt() and agent:run() end,
      } do
        memory.message_at = nil
        model:advance(1)
        assert(heard())
        assert.equal(model:time(), memory.message_at)
      end
    end)
  end)

  it("takes requests of one's own", function()
    assert.equal("ok", assert(agent:request { path = "/alive" }).status)
    local answer = assert(agent:request {
      method = "POST",
      path = "/api/bash/execute_bash_command",
      body = { command = "echo own" },
    })
    assert.equal("own\n", answer.stdout)
    local list = assert(agent:request { path = "/api/conversations/search", query = { limit = 1 } })
    assert.equal(1, #list.items)
    refused("not_found", agent:request { path = "/api/nothing" })
    assert.has_error(function() agent:request "/alive" end)
  end)
end)
