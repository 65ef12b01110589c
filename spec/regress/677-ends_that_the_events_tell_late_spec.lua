-- A conversation whose sandbox was paused as soon as its agent had finished: the events tell the end some seconds
-- later. `wait` said "paused" at once, and a fleet sent the agent a message to go on, which pays one more turn.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local LAG = 30 -- seconds

-- Returns a client, the model, and counts of requests. The sandbox is paused as soon as the agent has finished, before
-- the status can show that; `spoil` may change answers, or return one of its own.
local function service(options, spoil)
  options.api = "v1"
  local model = simulator.model(options)
  local inner, counts = simulator.transport(model), { messages = 0, events = 0, looks = 0 }
  local transport = setmetatable({}, { __index = inner })
  function transport.request(_, request)
    for _, conversation in ipairs(model:conversations()) do
      local status, cost = conversation.execution_status, conversation.cost or 0
      if status == "finished" or status == "idle" and cost > 0 then
        model:pause(conversation)
        counts.paused_at = counts.paused_at or model:now()
      end
    end
    local answer = spoil and spoil(request, model, counts)
    if answer then return answer end
    answer = inner:request(request)
    local path = request.path
    if path:find "/send%-message$" and answer.status == 200 then counts.messages = counts.messages + 1 end
    if path:find "/events/search$" then
      counts.events, counts.looks = counts.events + 1, counts.looks + (counts.paused_at and 1 or 0)
    end
    return answer
  end
  local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
  return client, model, counts
end

-- Waits for a new conversation. Returns it, the states that were seen, and the seconds from its pause to the end.
local function waited(options, wait_options, spoil)
  local client, model, counts = service(options, spoil)
  local states = {}
  wait_options = wait_options or {}
  wait_options.on_change = function(conversation) states[#states + 1] = conversation.state end
  local done = assert(client:run({ initial_user_msg = "x" }, wait_options))
  return done, states, model:now() - (counts.paused_at or model.options.epoch + 30), counts
end

describe("a wait for a conversation that was paused after its end", function()
  it("tells the end when the events show it", function()
    local done, states, seconds = waited { event_lag = LAG }
    assert.same({ "finished", "finished", true }, { done.state, states[#states], done.settled })
    assert.matches("^Done%.", done.answer)
    assert.is_nil(table.concat(states, " "):find "paused")
    assert.is_true(seconds <= 45, seconds)
  end)

  it("tells an end with a message, after which the agent is idle", function()
    for _, lag in ipairs { 0, LAG } do
      local done = waited { event_lag = lag, outcome = "idle" }
      assert.same({ "finished", "There was nothing to change." }, { done.state, done.answer })
    end
  end)

  it("tells a pause within a minute if there was no end, and reads the events rarely", function()
    local done, states, seconds, counts = waited { event_lag = LAG, outcome = "paused" }
    assert.same({ "paused", "paused", true }, { done.state, states[#states], done.settled })
    assert.is_true(seconds <= 60 and counts.events <= 8, seconds)
  end)

  it("believes the pause at once with an answer_timeout of 0", function()
    local done, _, _, counts = waited({ event_lag = LAG }, { answer_timeout = 0 })
    assert.same({ "paused", true }, { done.state, counts.events <= 2 })
  end)

  it("returns what it knows at the end of its time", function()
    local done, _, seconds = waited({ event_lag = 1000, outcome = "paused" }, { timeout = 45 })
    assert.equal("paused", done.state)
    assert.is_true(seconds <= 40, seconds)
  end)

  it("returns what it knows if the service is away by then, or the client was closed", function()
    local is_away
    local function spoil(request, _, counts)
      is_away = is_away or counts.looks > 0
      return is_away and request.path:find "^/api/v1/app%-conversations" and { class = "connect", sent = false } or nil
    end
    assert.equal("paused", (waited({ event_lag = 1000 }, nil, spoil)).state)

    local client, _, counts = service { event_lag = 1000 }
    local started = assert(client:start { initial_user_msg = "x" })
    client:spawn(function()
      repeat client:sleep(1) until counts.looks > 0
      client:close()
    end)
    local done, err = client:wait(started)
    assert.is_true(done ~= nil and done.state == "paused" or err ~= nil and err.kind == "closed")
  end)

  it("goes on if the sandbox is resumed meanwhile", function()
    local is_resumed
    local done, states = waited({ event_lag = 1000, outcome = "paused" }, nil, function(_, model, counts)
      if not is_resumed and counts.events > 1 then
        is_resumed = true
        local conversation = model:conversations()[1]
        model:schedule(conversation, { { 0, { sandbox_status = "RUNNING", execution_status = "running" } },
          { 100, { execution_status = "error" } } })
      end
    end)
    assert.same({ true, "failed" }, { is_resumed, done.state })
    assert.is_nil(table.concat(states, " "):find "paused")
  end)

  it("believes at once a pause by this client, until it has seen the agent at work again", function()
    local client, model, counts = service { outcome = "slow" }
    local id = assert(client:start { initial_user_msg = "x" }).conversation_id
    local function pause_later()
      client:spawn(function()
        local now
        repeat
          client:sleep(1)
          now = assert(client:status(id))
        until now.state == "running"
        client:sleep(40)
        assert(client:pause(id))
        counts.paused_at = model:now()
      end)
      return assert(client:wait(id)).state, model:now() - counts.paused_at <= 40
    end
    assert.same({ "paused", true }, { pause_later() })
    assert(client:resume(id, { send = "Go on. [simulate: slow]" }))
    counts.paused_at = nil
    assert.equal("finished", assert(client:wait(id)).state)
  end)

  it("does not delay a wait for one that was paused before", function()
    local client, model = service { outcome = "paused" }
    local id = assert(client:run { initial_user_msg = "x" }).conversation_id
    local other = openhands.new { transport = simulator.transport(model), api_key = "sk-canary-0123456789", api = "v1" }
    local before = model:now()
    assert.equal("paused", assert(other:wait(id)).state)
    assert.is_true(model:now() - before < 4)
  end)
end)

if not databases.is_supported "SQLite" then
  return describe("a run", function() it("is not continued", function() pending "LuaDBI is missing" end) end)
end

describe("a run of a fleet that was paused after its end", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  local function run(options, fleet_options, spoil)
    local client, model, counts = service(options, spoil)
    fleet_options.ledger = current.database.address
    local fleet = open(client, fleet_options)
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local done = assert(fleet:run { timeout = 20000 }).runs[1]
    client:close()
    return done, counts, model
  end

  for _, policy in ipairs { "resume", "leave", "fail" } do
    it(("is done, without a message, with on_paused = %q"):format(policy), function()
      local done, counts = run({ event_lag = LAG }, { on_paused = policy })
      assert.same({ "done", 0 }, { done.state, counts.messages })
      assert.matches("^Done%.", done.answer)
    end)
  end

  it("is done if its agent ended with a message", function()
    local done, counts = run({ event_lag = LAG, outcome = "idle" }, {})
    assert.same({ "done", 0, "There was nothing to change." }, { done.state, counts.messages, done.answer })
  end)

  it("goes on with one message if its work had not ended", function()
    local done, counts, model = run({ event_lag = LAG, outcome = "paused" }, {})
    assert.same({ "done", 1, 1 }, { done.state, counts.messages, model:jobs() })
    assert.is_true(model:now() - model.options.epoch < 300)
  end)

  it("gets no message if it goes on by itself, e.g. for a person, while it waits for its place", function()
    local refusals = 0
    local done, counts = run({ event_lag = LAG, outcome = "paused" }, {}, function(request, model)
      if not request.path:find "/resume$" or refusals > 0 then return nil end
      refusals = refusals + 1
      model:schedule(model:conversations()[1], { { 0, { sandbox_status = "RUNNING", execution_status = "running" } },
        { 60, { execution_status = "error" } } })
      return { status = 502, headers = {}, body = "" }
    end)
    assert.same({ "failed", 0, 1 }, { done.state, counts.messages, refusals })
  end)
end)
