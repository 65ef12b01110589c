-- Events that are followed until the conversation settles. In virtual time.

local simulator = require "openhands.simulator"
local event_lists = require "spec.support.event_lists"
local in_process = require "spec.support.in_process"

local ids_of, part, of_kind = event_lists.ids_of, event_lists.part, event_lists.of_kind
local ran, begun, searches = event_lists.ran, event_lists.begun, event_lists.searches

local function plain(id)
  return (id:gsub("-", ""))
end

describe("events that are followed", function()
  local states = {
    v1 = { finished = "finished", paused = "paused", error = "failed", waiting = "waiting", missing = "gone",
      flap = "finished", ["start-error"] = "failed", idle = "finished" },
    v0 = { finished = "finished", paused = "paused", waiting = "waiting", error = "failed", missing = "gone" },
  }
  for api, outcomes in pairs(states) do
    for outcome, state in pairs(outcomes) do
      it(("come as they happen, until the conversation settles: %s, %s"):format(api, outcome), function()
        local client, conversation, model = begun({ api = api }, nil, ("[simulate: %s]"):format(outcome))
        local followed, ids, times = client:events(conversation, { follow = true }), {}, {}
        for event in followed do
          ids[#ids + 1], times[#times + 1] = event.id, model:time()
        end
        assert.same(ids_of(client:events(conversation):all()), ids)
        assert.same({ state, true }, { followed.conversation.state, followed.conversation.settled })
        for i = 2, #times do
          assert.is_true(times[i] - times[i - 1] < 20)
        end
        local requests = #model.requests
        assert.is_nil(followed:next())
        assert.equal(requests, #model.requests)
      end)
    end
  end

  it("are returned soon after they have happened", function()
    local client, conversation, model = begun { api = "v1" }
    local happened
    for event in client:events(conversation, { follow = true }) do
      local hours, minutes, seconds, fraction = event.timestamp:match "T(%d+):(%d+):(%d+)%.?(%d*)"
      happened = (hours * 60 + minutes) * 60 + seconds + (tonumber(fraction) or 0) / 10 ^ #fraction
      local told = (model.options.epoch + model:time()) % 86400
      assert.is_true(told >= happened and told - happened <= 10)
    end
    assert.is_number(happened)
  end)

  it("of a conversation that has settled already come at once", function()
    local client, conversation, model = ran { api = "v1" }
    local before = model:time()
    local followed = client:events(conversation, { follow = true }):all()
    assert.same(ids_of(client:events(conversation):all()), ids_of(followed))
    assert.is_true(model:time() - before <= 1)
  end)

  -- Events that the service stores at an awkward moment: `when(request, answer)` says which.
  local function with_late_events(when, options)
    local model = simulator.model { api = "v1" }
    local transport = simulator.transport(model)
    local client = require("openhands").new { transport = transport, api_key = "any", api = "v1" }
    local conversation = assert(client:start { initial_user_msg = "x" })
    local request, added = transport.request, 0
    transport.request = function(self, asked)
      local answer = request(self, asked)
      if added == 0 and when(asked, answer) then
        added = 5
        model:add_events(conversation.conversation_id, added)
      end
      return answer
    end
    model:advance(options and 100 or 0)
    local ids = ids_of(assert(client:events(conversation, { follow = true }, options):all()))
    assert.equal(5, added)
    assert.same(ids_of(client:events(conversation):all()), ids)
  end

  local function tells_the_end(_, answer)
    return answer.body:find '"execution_status":"finished"' and answer.body:find '"sandbox_status"'
  end

  it("are not lost between the last poll and the end", function()
    with_late_events(tells_the_end)
    with_late_events(tells_the_end, { timeout = 0 })
  end)

  it("are not lost where the store is a moment late", function()
    local settled
    with_late_events(function(request, answer)
      local was_settled = settled
      settled = settled or tells_the_end(request, answer)
      return was_settled and request.path:find "/events"
    end)
  end)

  it("come from where one was seen", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, conversation, model = begun { api = api }
      model:advance(34)
      local some = client:events(conversation):all()
      local rest = ids_of(client:events(conversation, { follow = true, after = some[3].id, limit = 2 }):all())
      local all = client:events(conversation):all()
      assert.is_true(#all > #some)
      assert.same(ids_of(part(all, 4)), rest)
    end
  end)

  it("may be of one kind only", function()
    local client, conversation = begun { api = "v1", event_count = 250 }
    local followed = ids_of(client:events(conversation, { follow = true, kind__eq = "ActionEvent" }):all())
    assert.same(ids_of(of_kind(client:events(conversation):all(), "ActionEvent")), followed)
  end)

  it("survive transient errors", function()
    local page = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" }
    for _, api in ipairs { "v0", "v1" } do
      for _, fault in ipairs {
        { point = "before", class = "connect", count = 30 },
        { point = "after_commit", class = "timeout", count = 30 },
        { point = "before", response = in_process.json('{"detail":"x"}', 503), count = 30 },
        { point = "before", response = in_process.json('{"message":"Too many requests"}', 429), count = 30 },
        { point = "before", response = page, count = 2 },
      } do
        local client, conversation, _, transport = begun { api = api }
        local followed, ids = client:events(conversation, { follow = true }), {}
        local event, err = followed:next()
        while event do
          ids[#ids + 1] = event.id
          if #ids == 3 then
            fault.match = { method = "GET" }
            transport.faults = { fault }
          end
          event, err = followed:next()
        end
        assert.is_nil(err)
        assert.same(ids_of(client:events(conversation):all()), ids)
      end
    end
  end)

  it("survive a service that forgets the conversation for a moment, not for good", function()
    for _, sightings in ipairs { 2, math.huge } do
      local client, conversation, model, transport = begun { api = "v1" }
      local request, forgotten = transport.request, 0
      transport.request = function(self, asked)
        local answer = request(self, asked)
        if model:time() > 20 and asked.path:find "/app%-conversations" and forgotten < 2 * sightings then
          forgotten = forgotten + 1
          return in_process.json(asked.path:find "/search" and '{"items":[]}' or "[null]")
        end
        return answer
      end
      local ids, err = client:events(conversation, { follow = true }):all()
      if sightings == 2 then
        assert.equal(4, forgotten)
        assert.same(ids_of(client:events(conversation):all()), ids_of(assert(ids)))
      else
        assert.is_nil(ids)
        assert.equal("not_found", err.kind)
        assert.is_true(model:time() >= 20 + 60)
      end
    end
  end)

  it("wait as long as the service asks", function()
    local client, conversation, model, transport = begun({ api = "v1" }, { retries = 0 })
    local followed = client:events(conversation, { follow = true })
    assert(followed:page())
    local busy = in_process.json('{"message":"Too many requests"}', 429, { { "Retry-After", "25" } })
    transport.faults = { { point = "before", response = busy, match = { path = "/events" } } }
    local before = model:time()
    assert(followed:page())
    assert.is_true(model:time() - before >= 25)
  end)

  it("end with an error that does not pass", function()
    local answers = {
      authentication = in_process.json('{"error":"NoCredentialsError"}', 401),
      permission = in_process.json('{"detail":"x"}', 403),
      protocol = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" },
    }
    for kind, response in pairs(answers) do
      for _, path in ipairs { "/events", "/app%-conversations" } do
        local client, conversation, _, transport = begun { api = "v1" }
        local followed = client:events(conversation, { follow = true })
        assert(followed:next())
        transport.faults = { { point = "before", response = response, count = -1, match = { path = path } } }
        local event, err
        repeat
          event, err = followed:next()
        until not event
        assert.equal(kind, err.kind)
        assert.equal(plain(conversation.conversation_id), plain(err.conversation_id))
      end
    end
  end)

  it("end with the reader's time, and go on from the last one", function()
    local client, conversation, model = begun { api = "v1" }
    local followed, ids = client:events(conversation, { follow = true }, { timeout = 30 }), {}
    local event, err = followed:next()
    while event do
      ids[#ids + 1] = event.id
      event, err = followed:next()
    end
    assert.same({ "timeout", "running", 30 }, { err.kind, err.conversation.state, model:time() })
    assert.is_true(err.retryable)
    assert.equal(conversation.conversation_id, err.conversation_id)
    assert.is_true(#ids > 2)
    for _, id in ipairs(ids_of(client:events(conversation, { follow = true, after = ids[#ids] }):all())) do
      ids[#ids + 1] = id
    end
    assert.same(ids_of(client:events(conversation):all()), ids)
  end)

  it("poll once at least, however little time there is", function()
    local client, conversation, model = begun { api = "v1" }
    model:advance(30)
    local followed = client:events(conversation, { follow = true }, { timeout = 0 })
    assert.is_true(#followed:page() > 2)
    assert.equal("timeout", select(2, followed:page()).kind)
    local done, settled = ran { api = "v1" }
    assert.is_true(#done:events(settled, { follow = true }, { timeout = 0 }):all() > 5)
  end)

  it("do not take longer than the reader's time where the service does not answer", function()
    local client, conversation, model, transport = begun { api = "v1" }
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local before = model:time()
    local event, err = client:events(conversation, { follow = true }, { timeout = 30 }):next()
    assert.is_nil(event)
    assert.equal("timeout", err.kind)
    assert.is_true(model:time() - before >= 30 and model:time() - before <= 31)
  end)

  it("are polled at the caller's interval, or ever more slowly", function()
    local function gaps(options)
      local client, conversation, model = begun({ api = "v1" }, nil, "[simulate: never-ready]")
      local _, err = client:events(conversation, { follow = true }, options):next()
      assert.equal("timeout", err.kind)
      local list, times = {}, searches(model)
      for i = 2, #times do
        list[#list + 1] = times[i].time - times[i - 1].time
      end
      return list
    end
    assert.same({ 4, 4, 4, 4, 4 }, gaps { timeout = 20, interval = 4 })
    local growing = gaps { timeout = 120 }
    assert.equal(1, growing[1])
    assert.is_true(growing[2] > 1 and growing[#growing - 1] == 10)
    assert.is_true(#gaps { timeout = 1, interval = 0 } <= 101)
  end)

  it("end where the client is closed", function()
    local client, conversation = begun { api = "v1" }
    local followed = client:events(conversation, { follow = true })
    assert(followed:page())
    client:close()
    local page, err = followed:page()
    assert.is_nil(page)
    assert.equal("closed", err.kind)
  end)
end)
