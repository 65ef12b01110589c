-- Starts that report their progress, over a socket to a service whose time jumps where a client would sleep.

local plain = require "openhands.loop.plain"
local simulator = require "openhands.simulator"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local start_progress = require "spec.support.start_progress"

local SILENCE = 0.6 -- seconds that an exchange may take, which is then taken for dead

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
    assert.same({ 1, 1, 1 }, { #server:starts(), server:jobs(), start_progress.posts(server:requests()) })
  end

  it("reports a state when its last byte has come, not with the next one", function()
    local told = {}
    assert.equal("READY", assert(connect():start({ initial_user_msg = "x" }, {
      on_progress = function(conversation)
        told[#told + 1] = conversation.status
        if told[#told] ~= "READY" then
          server:advance(({ 1, 5, 2, 2, 1, 1, 2 })[#told] * 1000) -- to the next state, and no further
        end
      end,
    })).status)
    assert.same(start_progress.STATES, told)
    assert_one_start()
    assert.equal(0, client._core:in_flight())
  end)

  it("reports it whole, however it is split", function()
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
      local tell, told = start_progress.listener()
      local conversation = assert(connect({ timeout = fault.action == "hang" and SILENCE or nil }):start(
        { initial_user_msg = "x" }, { on_progress = tell }))
      assert_one_start()
      if conversation.status == "READY" then
        assert.same(start_progress.STATES, told)
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
        local tell, told = start_progress.listener()
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
        start_progress.assert_course(told)
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
        local tell, told = start_progress.listener()
        local conversation = assert(connect({ timeout = SILENCE }):start({ initial_user_msg = "x" },
          { on_progress = tell }))
        assert.equal("READY", conversation.status)
        start_progress.assert_course(told)
        assert.same({ 1, 1 }, { #server:starts(), server:jobs() })
        assert.equal(point == "after_read" and 2 or 1, start_progress.posts(server:requests()))
      end)
    end
  end

  it("that is cut has the service's id where an old server ignores ours", function()
    server:options { pace = 1, client_ids = false, old = true }
    server:faults { { point = "in_body", action = "hang", pieces = 2 } }
    local conversation = assert(connect({ timeout = SILENCE }):start({ initial_user_msg = "x" }, { stream = true }))
    assert.equal("READY", conversation.status)
    local started = server:starts()[1].conversation_id
    assert.equal(assertions.comparable_id(started), assertions.comparable_id(conversation.conversation_id))
    assert_one_start()
  end)

  it("without any answer until its timeout is found all the same", function()
    local tell, told = start_progress.listener()
    connect { timeout = SILENCE, deadline = 19 }
    local began = plain.now()
    local conversation = assert(client:start({ initial_user_msg = "[simulate: never-ready]" }, { on_progress = tell }))
    assert.same({ "WORKING", "starting" }, { conversation.status, conversation.state })
    assert.same({ "WORKING" }, told)
    assert_one_start()
    assert.is_true(skipped + plain.now() - began >= 17 and skipped <= 19) -- what passes by itself counts too
  end)

  it("is looked up until its absence is certain, although the service shows it late", function()
    for _, late in ipairs { 30, 1000 } do
      server:reset()
      skipped = 0
      server:options { pace = 1, visibility = late }
      server:faults { { point = "in_body", action = "hang", pieces = 2 } }
      local tell, told = start_progress.listener()
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

  it("survives failing polls of its task, and stops at a refused key", function()
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

  it("continues although its listener raises, and so does the client", function()
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

  it("lets its listener call the service meanwhile", function()
    server:options { pace = 0 }
    local known = {}
    assert(connect():start({ initial_user_msg = "x" }, {
      on_progress = function(conversation)
        known[#known + 1] = assert(client:status(conversation)).conversation_id
      end,
    }))
    assert.equal(#start_progress.STATES, #known)
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
    start_progress.assert_course(told)
    local said = reader()
    while said == "waiting" do
      said = reader()
    end
    assert.equal("READY", said)
    assert_one_start()
  end)
end)
