-- Starts that report their progress, in virtual time; spec/start/streaming_wire_spec.lua has them over a socket.

local assertions = require "spec.support.assertions"
local in_process = require "spec.support.in_process"
local start_progress = require "spec.support.start_progress"

local OURS = "11111111-2222-4333-8444-555555555555"

describe("a start with a stream", function()
  it("reports each state once, and ends when the conversation is ready", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = start_progress.listener()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.same(start_progress.STATES, told)
    assert.same({ "READY", "starting", false }, { conversation.status, conversation.state, conversation.settled })
    assert.same({ 14, 1, 1 }, { model:time(), #model.starts, start_progress.posts(model.requests) })
    assert.equal(assertions.comparable_id(model.starts[1].conversation_id),
      assertions.comparable_id(conversation.conversation_id))
    assert.equal(assertions.comparable_id(model.starts[1].task_id),
      assertions.comparable_id(conversation.start_task_id))
    assert.equal("finished", assert(client:wait(conversation)).state)
  end)

  it("takes on_progress among the fields or the options, also of a run", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = start_progress.listener()
    assert.equal("READY", assert(client:start { initial_user_msg = "x", stream = true }).status)
    assert.equal("READY", assert(client:start({ initial_user_msg = "x" }, { stream = true })).status)
    assert.equal("READY", assert(client:start { initial_user_msg = "x", on_progress = tell }).status)
    assert.equal("finished", assert(client:run { initial_user_msg = "x", on_progress = tell }).state)
    assert.equal(2 * #start_progress.STATES, #told)
    assert.equal("WORKING", assert(client:start { initial_user_msg = "x", stream = false }).status)
    assert.equal(5, #model.starts)
    for _, start in ipairs(model.starts) do
      assert.is_nil(start.body.stream)
    end
  end)

  it("returns why it failed", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = start_progress.listener()
    local conversation = assert(client:start({ initial_user_msg = "[simulate: start-error]" }, { on_progress = tell }))
    assert.same({ "failed", true }, { conversation.state, conversation.settled })
    assert.matches("Sandbox failed to start", conversation.detail)
    assert.same({ "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "ERROR" }, told)
    assert.equal(1, #model.starts)
  end)

  it("is unsupported on V0, and sends nothing", function()
    for _, options in ipairs { { stream = true }, { on_progress = print } } do
      local client, model = in_process.simulated { api = "v0" }
      local conversation, err = client:start({ initial_user_msg = "x" }, options)
      assert.is_nil(conversation)
      assert.equal("unsupported", err.kind)
      assert.same({ 0, 0 }, { #model.starts, start_progress.posts(model.requests) })
    end
  end)

  it("needs a function as on_progress", function()
    local client, model = in_process.simulated { api = "v1" }
    for _, wrong in ipairs { "yes", 7, {} } do
      local good, message = pcall(function()
        client:start({ initial_user_msg = "x" }, { on_progress = wrong })
      end)
      assert.is_false(good)
      assert.matches("spec/start/streaming_spec.lua:%d+: .*'on_progress' must be a function", message)
    end
    assert.equal(0, #model.requests)
  end)

  it("is started once, and ends ready, wherever its answer is cut", function()
    for pieces = 0, 9 do
      for _, at in ipairs { 0, 1, 40 } do
        local client, model, transport = in_process.simulated { api = "v1" }
        local tell, told = start_progress.listener()
        transport.faults = { { point = "in_body", pieces = pieces, at = at, match = { method = "POST" } } }
        local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
        assert.same({ 1, 1 }, { #model.starts, start_progress.posts(model.requests) })
        assert.equal("READY", conversation.status)
        start_progress.assert_course(told)
        for i = 1, pieces - 1 do -- what came before the cut
          assert.equal(start_progress.STATES[i], told[i])
        end
      end
    end
  end)

  it("is found by its id when nothing of its answer came, and reports the rest", function()
    for _, class in ipairs { "cut", "timeout", "connect" } do
      local client, model, transport = in_process.simulated { api = "v1" }
      local tell, told = start_progress.listener()
      transport.faults = { { point = "after_commit", class = class, match = { method = "POST" } } }
      local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
      assert.equal("READY", conversation.status)
      assert.same({ 1, 1 }, { #model.starts, start_progress.posts(model.requests) })
      assert.equal("WORKING", told[1])
      start_progress.assert_course(told)
    end
  end)

  it("is sent again, with the same id, only when it was certainly not started", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    local tell, told = start_progress.listener()
    transport.faults = { { point = "before", class = "timeout", sent = true, match = { method = "POST" } } }
    assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.same(start_progress.STATES, told)
    assert.same({ 1, 2 }, { #model.starts, start_progress.posts(model.requests) })
    assert.is_true(model:time() >= 60)
    local ids = {}
    for _, request in ipairs(model.requests) do
      if request.method == "POST" then
        ids[#ids + 1] = request.body:match '"conversation_id":"([^"]+)"'
      end
    end
    assert.same({ 2, ids[1] }, { #ids, ids[2] })
  end)

  it("is ambiguous where its stream has no task and the service cannot be reached", function()
    for _, body in ipairs { "[]", "[null]", "[{}]", '[{"id":7}]', "{}", "<html>", "" } do
      local client = in_process.scripted(function(request)
        if request.method == "POST" then
          return in_process.json(body)
        end
        return in_process.json(request.path:find("search") and '{"items":[]}' or "[null]")
      end, { api = "v1", retries = 0 })
      local told = 0
      local conversation, err = client:start({ initial_user_msg = "x" }, {
        on_progress = function()
          told = told + 1
        end,
      })
      assert.is_nil(conversation)
      assert.equal("ambiguous", err.kind)
      assert.equal(0, told)
    end
  end)

  it("ignores elements of its stream that are no tasks", function()
    local task = '{"id":"abcdefab-1234-4678-9abc-def012345678","status":"%s"}'
    local client = in_process.scripted(function()
      return in_process.json(("[%s,null,{},%s]"):format(task:format "WORKING", task:format "ready"))
    end, { api = "v1" })
    local tell, told = start_progress.listener()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.equal("READY", conversation.status)
    assert.same({ "WORKING", "READY" }, told)
  end)

  it("waits while the service throttles, and not for a limit", function()
    for _, name in ipairs { "window", "burst" } do
      local client, model = in_process.simulated({ api = "v1" }, { api = "v1" })
      local tell, told = start_progress.listener()
      model:throttle(name, 2)
      assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
      assert.same({ 1, 3 }, { #model.starts, start_progress.posts(model.requests) })
      assert.same(start_progress.STATES, told)
    end
    for name, kind in pairs { concurrency = "limit", quota = "quota" } do
      local client, model = in_process.simulated({ api = "v1" }, { api = "v1" })
      model:throttle(name, 1)
      local conversation, err = client:start({ initial_user_msg = "x" }, { stream = true })
      assert.is_nil(conversation)
      assert.equal(kind, err.kind)
      assert.same({ 0, 1 }, { #model.starts, start_progress.posts(model.requests) })
    end
  end)

  it("is refused without a second try", function()
    local kinds = { [400] = "invalid", [401] = "authentication", [403] = "permission", [422] = "invalid" }
    for status, kind in pairs(kinds) do
      local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
      transport.faults = { { point = "before", response = in_process.json('{"detail":"x"}', status) } }
      local conversation, err = client:start({ initial_user_msg = "x" }, { stream = true })
      assert.is_nil(conversation)
      assert.equal(kind, err.kind)
      assert.equal(1, start_progress.posts(model.requests))
    end
  end)

  it("is looked up once after an unclear answer, and reports the rest", function()
    local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
    local tell, told = start_progress.listener()
    transport.faults = { { point = "after_commit", response = in_process.json('{"detail":"exists"}', 409) } }
    assert.equal("READY", assert(client:start({ initial_user_msg = "x" }, { on_progress = tell })).status)
    assert.equal(1, #model.starts)
    start_progress.assert_course(told)
  end)

  it("is polled although the service sometimes does not show its task", function()
    local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
    local request, hidden = transport.request, 0
    transport.request = function(self, asked)
      local second = model:time() % 100
      if asked.path:find "/start%-tasks$" and second > 50 and second < 60 then
        hidden = hidden + 1
        return in_process.json "[null]"
      end
      return request(self, asked)
    end
    transport.faults = { { point = "after_commit", response = in_process.json('{"detail":"exists"}', 409) } }
    local conversation = assert(client:start({ initial_user_msg = "[simulate: never-ready]" },
      { stream = true, deadline = 400 }))
    assert.equal("WORKING", conversation.status)
    assert.is_true(hidden > 12 and model:time() >= 390)
  end)

  it("is resumed where it stands", function()
    local client, model = in_process.simulated { api = "v1" }
    local task = { initial_user_msg = "x", conversation_id = OURS }
    assert.equal("WORKING", assert(client:start(task)).status)
    model:advance(7)
    local tell, told = start_progress.listener()
    assert.equal("READY", assert(client:start(task, { on_progress = tell })).status)
    assert.equal("PREPARING_REPOSITORY", told[1])
    start_progress.assert_course(told)

    model:advance(20)
    tell, told = start_progress.listener()
    assert.equal("running", assert(client:start(task, { on_progress = tell })).state)
    assert.same({ "RUNNING" }, told)
    assert.equal(1, #model.starts)
  end)

  it("has the service's id where an old server ignores ours", function()
    for _, faults in ipairs { {}, { { point = "in_body", pieces = 2, match = { method = "POST" } } } } do
      local client, model, transport = in_process.simulated { api = "v1", client_ids = false, old = true }
      transport.faults = faults
      local conversation = assert(client:start({ initial_user_msg = "x" }, { stream = true }))
      local started = model.starts[1].conversation_id
      assert.equal(assertions.comparable_id(started), assertions.comparable_id(conversation.conversation_id))
      assert.equal(1, #model.starts)
    end
  end)

  it("raises an error of its listener once, and the start continues", function()
    local client, model = in_process.simulated { api = "v1" }
    local reason, seen = {}, {}
    local good, raised = pcall(client.start, client, { initial_user_msg = "x" }, {
      on_progress = function(conversation)
        seen[#seen + 1] = conversation.conversation_id
        error(reason)
      end,
    })
    assert.same({ false, true, 1 }, { good, raised == reason, #seen })
    assert.equal("finished", assert(client:wait(seen[1])).state)
    assert.equal(1, #model.starts)
  end)
end)
