-- Starts that tell how they go: in virtual time, and over a socket to a service whose time jumps where we would sleep.

local plain = require "openhands.loop.plain"
local simulator = require "openhands.simulator"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

local OURS = "11111111-2222-4333-8444-555555555555"

local SILENCE = 0.6 -- seconds that an exchange may take, which is then taken for dead

local STATES = { "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "RUNNING_SETUP_SCRIPT",
  "SETTING_UP_GIT_HOOKS", "SETTING_UP_SKILLS", "STARTING_CONVERSATION", "READY" }

local place_of = {}
for place, state in ipairs(STATES) do
  place_of[state] = place
end

-- A listener, and the states that it was told.
local function listener()
  local told = {}
  return function(conversation)
    assertions.assert_conversation(conversation)
    told[#told + 1] = conversation.status
  end, told
end

-- In order, each once, up to the last one of all; not each is seen where it has to be asked for.
local function assert_course(told)
  for i, state in ipairs(told) do
    assert.is_true(place_of[state] > (place_of[told[i - 1]] or 0))
  end
  assert.equal("READY", told[#told])
end

local function posts(requests)
  local count = 0
  for _, request in ipairs(requests) do
    count = count + (request.method == "POST" and 1 or 0)
  end
  return count
end

describe("a start with a stream", function()
  it("tells each state once, and ends when the conversation is ready", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = listener()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.same(STATES, told)
    assert.same({ "READY", "starting", false }, { conversation.status, conversation.state, conversation.settled })
    assert.same({ 14, 1, 1 }, { model:time(), #model.starts, posts(model.requests) })
    assert.equal(assertions.same_id(model.starts[1].conversation_id), assertions.same_id(conversation.conversation_id))
    assert.equal(assertions.same_id(model.starts[1].task_id), assertions.same_id(conversation.start_task_id))
    assert.equal("finished", assert(client:wait(conversation)).state)
  end)

  it("can be asked for among the fields or the options, of a run too, with nobody who listens", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = listener()
    assert.equal("READY", assert(client:start { initial_user_msg = "x", stream = true }).status)
    assert.equal("READY", assert(client:start({ initial_user_msg = "x" }, { stream = true })).status)
    assert.equal("READY", assert(client:start { initial_user_msg = "x", on_progress = tell }).status)
    assert.equal("finished", assert(client:run { initial_user_msg = "x", on_progress = tell }).state)
    assert.equal(2 * #STATES, #told)
    assert.equal("WORKING", assert(client:start { initial_user_msg = "x", stream = false }).status)
    assert.equal(5, #model.starts)
    for _, start in ipairs(model.starts) do
      assert.is_nil(start.body.stream)
    end
  end)

  it("tells why it failed", function()
    local client, model = in_process.simulated { api = "v1" }
    local tell, told = listener()
    local conversation = assert(client:start({ initial_user_msg = "[simulate: start-error]" }, { on_progress = tell }))
    assert.same({ "failed", true }, { conversation.state, conversation.settled })
    assert.matches("Sandbox failed to start", conversation.detail)
    assert.same({ "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "ERROR" }, told)
    assert.equal(1, #model.starts)
  end)

  it("is what V0 does not have, and sends nothing", function()
    for _, options in ipairs { { stream = true }, { on_progress = print } } do
      local client, model = in_process.simulated { api = "v0" }
      local conversation, err = client:start({ initial_user_msg = "x" }, options)
      assert.is_nil(conversation)
      assert.equal("unsupported", err.kind)
      assert.same({ 0, 0 }, { #model.starts, posts(model.requests) })
    end
  end)

  it("needs a function that can be told", function()
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
        local tell, told = listener()
        transport.faults = { { point = "in_body", pieces = pieces, at = at, match = { method = "POST" } } }
        local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
        assert.same({ 1, 1 }, { #model.starts, posts(model.requests) })
        assert.equal("READY", conversation.status)
        assert_course(told)
        for i = 1, pieces - 1 do -- what came before the cut
          assert.equal(STATES[i], told[i])
        end
      end
    end
  end)

  it("is found by its id when nothing of its answer came, and tells the rest", function()
    for _, class in ipairs { "cut", "timeout", "connect" } do
      local client, model, transport = in_process.simulated { api = "v1" }
      local tell, told = listener()
      transport.faults = { { point = "after_commit", class = class, match = { method = "POST" } } }
      local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
      assert.equal("READY", conversation.status)
      assert.same({ 1, 1 }, { #model.starts, posts(model.requests) })
      assert.equal("WORKING", told[1])
      assert_course(told)
    end
  end)

  it("is sent again with the same id only when it certainly was not started", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    local tell, told = listener()
    transport.faults = { { point = "before", class = "timeout", sent = true, match = { method = "POST" } } }
    assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.same(STATES, told)
    assert.same({ 1, 2 }, { #model.starts, posts(model.requests) })
    assert.is_true(model:time() >= 60)
    local ids = {}
    for _, request in ipairs(model.requests) do
      if request.method == "POST" then
        ids[#ids + 1] = request.body:match '"conversation_id":"([^"]+)"'
      end
    end
    assert.same({ 2, ids[1] }, { #ids, ids[2] })
  end)

  it("is ambiguous where its stream holds no task, and nobody can be asked", function()
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

  it("passes over what is no task in its stream", function()
    local task = '{"id":"abcdefab-1234-4678-9abc-def012345678","status":"%s"}'
    local client = in_process.scripted(function()
      return in_process.json(("[%s,null,{},%s]"):format(task:format "WORKING", task:format "ready"))
    end, { api = "v1" })
    local tell, told = listener()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
    assert.equal("READY", conversation.status)
    assert.same({ "WORKING", "READY" }, told)
  end)

  it("waits out throttling, and not a limit", function()
    for _, name in ipairs { "window", "burst" } do
      local client, model = in_process.simulated({ api = "v1" }, { api = "v1" })
      local tell, told = listener()
      model:throttle(name, 2)
      assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
      assert.same({ 1, 3 }, { #model.starts, posts(model.requests) })
      assert.same(STATES, told)
    end
    for name, kind in pairs { concurrency = "limit", quota = "quota" } do
      local client, model = in_process.simulated({ api = "v1" }, { api = "v1" })
      model:throttle(name, 1)
      local conversation, err = client:start({ initial_user_msg = "x" }, { stream = true })
      assert.is_nil(conversation)
      assert.equal(kind, err.kind)
      assert.same({ 0, 1 }, { #model.starts, posts(model.requests) })
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
      assert.equal(1, posts(model.requests))
    end
  end)

  it("is looked for once after an answer that says nothing clear, and tells the rest", function()
    local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
    local tell, told = listener()
    transport.faults = { { point = "after_commit", response = in_process.json('{"detail":"exists"}', 409) } }
    assert.equal("READY", assert(client:start({ initial_user_msg = "x" }, { on_progress = tell })).status)
    assert.equal(1, #model.starts)
    assert_course(told)
  end)

  it("is asked for although the service does not show its task now and then", function()
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

  it("is taken up where it stands", function()
    local client, model = in_process.simulated { api = "v1" }
    local task = { initial_user_msg = "x", conversation_id = OURS }
    assert.equal("WORKING", assert(client:start(task)).status)
    model:advance(7)
    local tell, told = listener()
    assert.equal("READY", assert(client:start(task, { on_progress = tell })).status)
    assert.equal("PREPARING_REPOSITORY", told[1])
    assert_course(told)

    model:advance(20)
    tell, told = listener()
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
      assert.equal(assertions.same_id(started), assertions.same_id(conversation.conversation_id))
      assert.equal(1, #model.starts)
    end
  end)

  it("raises what its listener raises, once, and the start goes on", function()
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

describe("a start with a stream over a socket", function()
  local server, client, skipped

  -- A loop that looks often, and calls a function before it does.
  local function loop_that(looks)
    local loop = {}
    for name, value in pairs(plain) do
      loop[name] = value
    end
    loop.await = function(waiting, pending)
      while not (pending.done or pending.news) do
        looks()
        waiting:_pump(0.01)
      end
    end
    return loop
  end

  -- Where a client would sleep, time jumps: the service's, and the client's.
  local function jumping_loop()
    local loop = loop_that(function() end)
    local await = loop.await
    loop.now = function()
      return plain.now() + skipped
    end
    loop.wall = function()
      return plain.wall() + skipped
    end
    loop.await = function(waiting, pending, deadline)
      if not deadline then return await(waiting, pending) end
      local seconds = deadline - loop.now()
      server:advance(seconds)
      skipped = skipped + seconds
    end
    return loop
  end

  setup(function()
    server = simulator.spawn { pace = 1000 } -- nothing happens before time jumps
  end)
  teardown(function()
    server:close()
  end)
  before_each(function()
    server:reset()
    skipped = 0
  end)
  after_each(function()
    client:close()
  end)

  local function connect(settings)
    local all = { api = "v1", grace = 60, deadline = 1e6, loop = jumping_loop() }
    for name, value in pairs(settings or {}) do
      all[name] = value
    end
    client = canary.client(server, all)
    return client
  end

  local function assert_one_start()
    assert.same({ 1, 1, 1 }, { #server:starts(), server:jobs(), posts(server:requests()) })
  end

  it("tells a state when its last byte has come, not with the next one", function()
    local told = {}
    assert.equal("READY", assert(connect():start({ initial_user_msg = "x" }, {
      on_progress = function(conversation)
        told[#told + 1] = conversation.status
        if told[#told] ~= "READY" then
          server:advance(({ 1, 5, 2, 2, 1, 1, 2 })[#told] * 1000) -- to the next state, and no further
        end
      end,
    })).status)
    assert.same(STATES, told)
    assert_one_start()
    assert.equal(0, client._core:in_flight())
  end)

  it("tells it whole, however it is sent", function()
    for _, fault in ipairs {
      { point = "after_commit", action = "drip", bytes = 61, seconds = 0 },
      { point = "after_commit", action = "split", at = 777 },
      { point = "after_commit", action = "continue", times = 3 },
      { point = "after_commit", action = "no_length" },
      { point = "after_commit", action = "truncate_chunked" },
      { point = "in_body", action = "hang", pieces = 9 }, -- all but the closing bracket
    } do
      server:reset()
      server:options { pace = 0 }
      server:faults { fault }
      local tell, told = listener()
      local conversation = assert(connect({ timeout = fault.action == "hang" and SILENCE or nil }):start(
        { initial_user_msg = "x" }, { on_progress = tell }))
      assert_one_start()
      if conversation.status == "READY" then
        assert.same(STATES, told)
      else -- the end was cut off, and has been looked for: the conversation was there
        assert.same({ "truncate_chunked", "RUNNING" }, { fault.action, conversation.status })
      end
      client:close()
    end
  end)

  for _, pieces in ipairs { 1, 2, 4 } do
    for _, at in ipairs { 0, 30 } do
      it(("is asked for by its task, after silence from piece %d and byte %d on"):format(pieces, at), function()
        server:faults { { point = "in_body", action = "hang", pieces = pieces, at = at } }
        server:options { pace = 1 }
        server:advance(0)
        local tell, told = listener()
        local started = connect { timeout = SILENCE }
        local on_progress = function(conversation)
          tell(conversation)
          if #told < pieces - 1 then
            server:advance(({ 1, 5, 2 })[#told])
          end
        end
        local conversation = assert(started:start({ initial_user_msg = "x" }, { on_progress = on_progress }))
        assert.equal("READY", conversation.status)
        assert.equal("WORKING", told[1])
        assert_course(told)
        assert_one_start()
      end)
    end
  end

  for _, action in ipairs { "close", "reset", "hang" } do
    for point, pieces in pairs { after_read = 0, after_commit = 0, in_headers = 0, in_body = 3 } do
      it(("is started once: %s at %s"):format(action, point), function()
        server:options { pace = 1 }
        server:faults { { point = point, action = action, pieces = point == "in_body" and pieces or nil,
          match = { method = "POST" } } }
        local tell, told = listener()
        local conversation = assert(connect({ timeout = SILENCE }):start({ initial_user_msg = "x" },
          { on_progress = tell }))
        assert.equal("READY", conversation.status)
        assert_course(told)
        assert.same({ 1, 1 }, { #server:starts(), server:jobs() })
        assert.equal(point == "after_read" and 2 or 1, posts(server:requests()))
      end)
    end
  end

  it("that is cut has the service's id where an old server ignores ours", function()
    server:options { pace = 1, client_ids = false, old = true }
    server:faults { { point = "in_body", action = "hang", pieces = 2 } }
    local conversation = assert(connect({ timeout = SILENCE }):start({ initial_user_msg = "x" }, { stream = true }))
    assert.equal("READY", conversation.status)
    local started = server:starts()[1].conversation_id
    assert.equal(assertions.same_id(started), assertions.same_id(conversation.conversation_id))
    assert_one_start()
  end)

  it("that says nothing to the end of its time is certain all the same", function()
    local tell, told = listener()
    connect { timeout = SILENCE, deadline = 19 }
    local began = plain.now()
    local conversation = assert(client:start({ initial_user_msg = "[simulate: never-ready]" }, { on_progress = tell }))
    assert.same({ "WORKING", "starting" }, { conversation.status, conversation.state })
    assert.same({ "WORKING" }, told)
    assert_one_start()
    assert.is_true(skipped + plain.now() - began >= 17 and skipped <= 19) -- what passes by itself counts too
  end)

  it("is looked for although the service shows it late, for as long as an absence is not believed", function()
    for _, late in ipairs { 30, 1000 } do
      server:reset()
      skipped = 0
      server:options { pace = 1, visibility = late }
      server:faults { { point = "in_body", action = "hang", pieces = 2 } }
      local tell, told = listener()
      connect { timeout = SILENCE }
      local began = plain.now()
      local conversation = assert(client:start({ initial_user_msg = "x" }, { on_progress = tell }))
      local passed = skipped + plain.now() - began -- what passes by itself counts too
      assert.equal(late == 30 and "READY" or "WORKING", conversation.status)
      assert.same(late == 30 and { "WORKING", "READY" } or { "WORKING" }, told)
      assert.is_true(late == 30 or passed >= SILENCE + 60 and skipped <= 66)
      assert_one_start()
      client:close()
    end
  end)

  it("survives failing looks at its task, and stops at a refused key", function()
    for status, state in pairs { [503] = "READY", [401] = "WORKING" } do
      server:reset()
      server:options { pace = 1 }
      server:faults {
        { point = "in_body", action = "hang", pieces = 2 },
        { point = "after_read", action = "status", status = status, count = 5, match = { path = "/start%-tasks" } },
      }
      connect { timeout = SILENCE }
      local conversation = assert(client:start({ initial_user_msg = "x" }, { stream = true }))
      assert.equal(state, conversation.status)
      assert_one_start()
      client:close()
    end
  end)

  it("goes on although its listener raises, and the client with it", function()
    local id
    connect { loop = "plain" }
    local good, raised = pcall(client.start, client, { initial_user_msg = "x" }, {
      on_progress = function(conversation)
        id = conversation.conversation_id
        error "enough"
      end,
    })
    assert.is_false(good)
    assert.matches("enough", raised)
    server:advance(70000)
    assert.equal("finished", assert(client:status(id)).state)
    while client._core:in_flight() > 0 do
      client:_pump(0.1)
    end
    assert_one_start()
  end)

  it("lets its listener ask the service meanwhile", function()
    server:options { pace = 0 }
    local known = {}
    assert(connect():start({ initial_user_msg = "x" }, {
      on_progress = function(conversation)
        known[#known + 1] = assert(client:status(conversation)).conversation_id
      end,
    }))
    assert.equal(#STATES, #known)
    assert_one_start()
  end)

  it("runs in a coroutine that waits", function()
    connect {
      loop = loop_that(function()
        coroutine.yield "waiting"
      end),
    }
    local reader = coroutine.wrap(function()
      return assert(client:start({ initial_user_msg = "x" }, {
        on_progress = function(conversation)
          coroutine.yield(conversation.status)
        end,
      })).status
    end)
    local told = {}
    while told[#told] ~= "READY" do
      local said = reader()
      if said ~= "waiting" then
        told[#told + 1] = said
        server:advance(5000)
      end
    end
    assert_course(told)
    local said = reader()
    while said == "waiting" do
      said = reader()
    end
    assert.equal("READY", said)
    assert_one_start()
  end)
end)

