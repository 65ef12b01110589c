-- The methods of an agent server: an example of each, commands, files, the agent's work, and requests of one's own.

local calls = require "spec.support.calls"
local core = require "openhands.core"
local canary = require "spec.support.canary"
local in_process = require "spec.support.in_process"
local agent_requests = require "spec.support.agent_requests"
local assertions = require "spec.support.assertions"

local BINARY = ("a\0\255\r\n--b"):rep(40)

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

  describe("runs commands", function()
    it("to their end", function()
      local output = assert(agent:execute "echo hello")
      assert.same({ 0, "hello\n" }, { output.exit_code, output.stdout })
      assert.equal(3, assert(agent:execute { command = "exit 3", cwd = "/" }).exit_code)
    end)

    it("until their timeout", function()
      local output = assert(agent:execute { command = "sleep 100", timeout = 5 })
      assert.same({ -1, "....." }, { output.exit_code, output.stdout })
    end)

    it("for their own timeout, or for the one of the caller", function()
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

    it("and returns what they print", function()
      local outputs, started = {}, model:time()
      local ended_at
      for output in assert(agent:bash("sleep 4", { interval = 0.1 })) do
        outputs[#outputs + 1] = output.stdout or output.exit_code
        ended_at = model:time()
      end
      assert.same({ ".", ".", ".", ".", 0 }, outputs)
      assert.matches("order__gt=[23]", model.requests[#model.requests].query) -- requests only new output
      assert.is_true(ended_at - started <= 4.2)
      local all = assert(agent:bash { command = "sleep 60", timeout = 2 }):all()
      assert.equal(-1, all[#all].exit_code)
    end)

    it("and waits while they print nothing", function()
      local silent = in_process.json('{"items":[],"next_page_id":null}')
      at.transport.faults = {
        { point = "before", response = silent, match = { path = "/bash_events/search$" }, count = 50 },
      }
      local outputs = assert(agent:bash "echo late"):all()
      assert.equal("late\n", outputs[1].stdout)
      assert.is_true(#agent_requests.to_sandbox(model, 0) > 50)
    end)

    it("and fails when the end of one is never reported", function()
      local silent = in_process.json('{"items":[],"next_page_id":null}')
      at.transport.faults = {
        { point = "before", response = silent, match = { path = "/bash_events/search$" }, count = -1 },
      }
      local before = model:time()
      refused("timeout", assert(agent:bash { command = "true", timeout = 20 }):next())
      assert.is_true(model:time() - before < 60)
    end)

    it("and continues after an error", function()
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

  describe("transfers files", function()
    it("unchanged in both directions", function()
      assert(agent:upload("/workspace/project/a b&c.bin", BINARY))
      local file = assert(agent:download("/workspace/project/a b&c.bin", at.target))
      assert.same({ path = at.target, bytes = #BINARY }, file)
      local handle = assert(io.open(at.target, "rb"))
      assert.equal(BINARY, handle:read "*a")
      handle:close()
      os.remove(at.target)
    end)

    it("with absolute paths only", function()
      for _, path in ipairs { "a.txt", "", 7, {} } do
        for _, name in ipairs { "upload", "download" } do
          local good, message = pcall(agent[name], agent, path, "x")
          assert.is_false(good)
          assert.matches(name .. ": needs the absolute path of a file in the sandbox", message, 1, true)
        end
      end
      assert.equal(0, #agent_requests.to_sandbox(model, at.sent))
    end)

    it("and reports their changes", function()
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

    it("do, or not do, what needs confirmation", function()
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

    it("report its events and its final response", function()
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

    it("count as working after a message that lets it continue, and only then", function()
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
      for _, continuing in ipairs {
        function() return agent:send "x" end,
        function() return agent:send { content = "x", run = true } end,
        function() return at.client:send(at.id, "x") end,
        function() return agent:interrupt() and agent:run() end,
      } do
        memory.message_at = nil
        model:advance(1)
        assert(continuing())
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
