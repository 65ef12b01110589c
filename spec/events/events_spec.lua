-- Events: read in pages, from an event on, and followed until the conversation settles. In virtual time.

local simulator = require "openhands.simulator"
local in_process = require "spec.support.in_process"

local NOBODY = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function ids_of(events)
  local ids = {}
  for i, event in ipairs(events) do
    ids[i] = event.id
  end
  return ids
end

local function plain(id)
  return (id:gsub("-", ""))
end

local function part(list, first, last)
  local some = {}
  for i = first, last or #list do
    some[#some + 1] = list[i]
  end
  return some
end

local function reversed(list)
  local turned = {}
  for i = #list, 1, -1 do
    turned[#turned + 1] = list[i]
  end
  return turned
end

local function of_kind(list, kind)
  local some = {}
  for _, event in ipairs(list) do
    if event.kind == kind then
      some[#some + 1] = event
    end
  end
  return some
end

-- A conversation that has run; with everything about it.
local function ran(options, settings, prompt)
  local client, model, transport = in_process.simulated(options, settings)
  local conversation = assert(client:start { initial_user_msg = prompt or "x" })
  model:advance(100)
  return client, conversation, model, transport
end

-- One that begins only now.
local function begun(options, settings, prompt)
  local client, model, transport = in_process.simulated(options, settings)
  return client, assert(client:start { initial_user_msg = prompt or "x" }), model, transport
end

local function searches(model, since)
  local list = {}
  for _, request in ipairs(model.requests) do
    if request.path:find "/events" and request.time >= (since or 0) then
      list[#list + 1] = request
    end
  end
  return list
end

local function raises(pattern, call)
  local good, message = pcall(call)
  assert.is_false(good)
  assert.matches("spec/events/events_spec.lua:%d+: .*" .. pattern, message)
end

describe("the events of a conversation", function()
  for _, manner in ipairs { "plain", "empty", "repeat", "overlap" } do
    it("come each once, in their order or the other way round, on V1: " .. manner, function()
      local client, conversation, model = ran { api = "v1", event_count = 250, event_pages = manner }
      local all = ids_of(client:events(conversation):all())
      local count = model:find(model.starts[1].conversation_id).history:count()
      assert.is_true(count > 250)
      assert.equal(count, #all)
      for i = 1, count do
        assert.equal(model:find(model.starts[1].conversation_id).history:id(i), all[i])
      end
      assert.same(all, ids_of(client:events(conversation, { limit = 7 }):all()))
      assert.same(reversed(all), ids_of(client:events(conversation, { sort_order = "TIMESTAMP_DESC" }):all()))
    end)
  end

  it("are an error where a page leads to itself for ever", function()
    local client, conversation = ran { api = "v1", event_count = 250, event_pages = "stuck" }
    local list, err = client:events(conversation):all()
    assert.is_nil(list)
    assert.same({ "protocol", "events: the pages go in circles; check base_url and api" }, { err.kind, err.message })
  end)

  it("come each once, in their order or the other way round, on V0", function()
    local client, conversation = ran { api = "v0" }
    local all = ids_of(client:events(conversation):all())
    assert.same({ 0, 9, 10 }, { all[1], all[#all], #all })
    for _, limit in ipairs { 1, 3, 9, 10, 100 } do
      assert.same(all, ids_of(client:events(conversation, { limit = limit }):all()))
      assert.same(reversed(all), ids_of(client:events(conversation, { limit = limit, reverse = true }):all()))
    end
    assert.same(part(all, 4, 8), ids_of(client:events(conversation, { start_id = 3, end_id = 7, limit = 2 }):all()))
    local backwards = client:events(conversation, { start_id = 3, end_id = 7, limit = 2, reverse = true })
    assert.same(reversed(part(all, 4, 8)), ids_of(backwards:all()))
  end)

  it("can be had of one kind, or of some time", function()
    local client, conversation = ran { api = "v1", event_count = 60 }
    local all = client:events(conversation):all()
    local messages = client:events(conversation, { kind__eq = "MessageEvent", limit = 4 }):all()
    assert.is_true(#messages > 5)
    assert.same(ids_of(of_kind(all, "MessageEvent")), ids_of(messages))
    local from, to = all[10].timestamp, all[22].timestamp -- one of three that have it, and the first of three
    local some = client:events(conversation, { timestamp__gte = from, timestamp__lt = to }):all()
    assert.same(ids_of(part(all, 10, 21)), ids_of(some))
  end)

  it("of a conversation that nobody knows are an error", function()
    for _, api in ipairs { "v0", "v1" } do
      local client = in_process.simulated { api = api }
      for _, follow in ipairs { false, true } do
        local event, err = client:events(NOBODY, { follow = follow }):next()
        assert.is_nil(event)
        assert.same({ "not_found", NOBODY }, { err.kind, err.conversation_id })
      end
    end
  end)

  it("may be none", function()
    local client, conversation = begun { api = "v1" }
    assert.same({}, client:events(conversation):all())
    assert.same({}, client:events(conversation, { kind__eq = "PauseEvent" }):all())
  end)

  it("are an error where the service cannot be asked, and go on afterwards", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, conversation, _, transport = ran { api = api }
      local events = client:events(conversation, { limit = 4 })
      assert.equal(4, #events:page())
      transport.faults = { { point = "before", class = "connect", count = 3 } }
      local page, err = events:page()
      assert.is_nil(page)
      assert.same({ "connect", conversation.conversation_id }, { err.kind, err.conversation_id })
      assert.same(ids_of(part(client:events(conversation):all(), 5)), ids_of(events:all()))
    end
  end)

  it("tell of a filter that the dialect does not have", function()
    local client, conversation = ran { api = "v0" }
    local event, err = client:events(conversation, { kind__eq = "MessageEvent" }):next()
    assert.is_nil(event)
    assert.equal("unsupported", err.kind)
    assert.matches("kind__eq", err.message)
  end)

  it("are unreadable where V0 does not say how to go on", function()
    for _, id in ipairs { '"7"', "null", "{}" } do
      local client = in_process.scripted(function()
        return in_process.json(('{"events":[{"id":%s}],"has_more":true}'):format(id))
      end, { api = "v0" })
      local events, err = client:events(NOBODY):all()
      assert.is_nil(events)
      assert.equal("protocol", err.kind)
    end
  end)

  it("take the time of one exchange as their timeout", function()
    local given
    local client, conversation = ran({ api = "v1" })
    local exchange = client._exchange
    client._exchange = function(self, operation, fields, call, ...)
      given = call.timeout
      return exchange(self, operation, fields, call, ...)
    end
    assert(client:events(conversation, {}, { timeout = 7 }):next())
    assert.equal(7, given)
  end)

  it("raise the caller's mistakes where the caller is", function()
    local client, conversation, model = ran { api = "v1" }
    local before = #model.requests
    local wrong = {
      { "did you mean 'kind__eq'", { kind_eq = "MessageEvent" } },
      { "'limit'", { limit = "many" } },
      { "'after' must be the id of an event, not a table", { after = {} } },
      { "'follow' must be a boolean, not a string", { follow = "yes" } },
      { "in ascending order", { follow = true, sort_order = "TIMESTAMP_DESC" } },
      { "in ascending order", { after = "x", sort_order = "TIMESTAMP_DESC" } },
      { "in ascending order", { after = 7, reverse = true } },
      { "leave out 'page_id'", { after = "x", page_id = "100" } },
      { "leave out 'page_id'", { after = 7, start_id = 3 } },
      { "'interval' belongs to 'follow'", {}, { interval = 3 } },
      { "'interval' must be a number", { follow = true }, { interval = "fast" } },
      { "'timeout' must be a number", { follow = true }, { timeout = -1 } },
      { "'timeout' must be a number", {}, { timeout = 0 / 0 } },
      { "unknown option 'folow'", {}, { folow = true } },
    }
    for _, case in ipairs(wrong) do
      raises(case[1], function()
        client:events(conversation, case[2], case[3])
      end)
    end
    raises("not an id", function()
      client:events("not an id")
    end)
    assert.equal(before, #model.requests)
  end)
end)

describe("events after one that was seen", function()
  it("are those of an unbroken read, wherever it was broken", function()
    for _, manner in ipairs { "plain", "empty", "overlap" } do
      local client, conversation = ran { api = "v1", event_count = 20, event_pages = manner }
      local all = client:events(conversation):all()
      for broken_at = 1, #all do
        for _, limit in ipairs { 2, 100 } do
          local rest = client:events(conversation, { after = all[broken_at].id, limit = limit })
          assert.same(ids_of(part(all, broken_at + 1)), ids_of(rest:all()))
        end
      end
    end
  end)

  it("are those of the same moment too, where only some kinds are wanted", function()
    local client, conversation = ran { api = "v1", event_count = 20 }
    local all = client:events(conversation):all()
    for broken_at = 1, #all do
      for _, kind in ipairs { "MessageEvent", "ObservationEvent", "ActionEvent" } do
        local rest = client:events(conversation, { after = all[broken_at].id, kind__eq = kind })
        assert.same(ids_of(of_kind(part(all, broken_at + 1), kind)), ids_of(rest:all()))
      end
    end
  end)

  it("are those of the same moment, however many there are", function()
    local client = in_process.scripted(function(request)
      local query = request.query or ""
      local wanted, list = tonumber(query:match "^id=e(%d+)$"), {}
      local first = wanted or tonumber(query:match "page_id=(%d+)" or 1)
      for i = first, wanted or math.min(first + 99, 250) do
        list[#list + 1] = ('{"id":"e%d","timestamp":"2026-08-20T09:15:02"}'):format(i)
      end
      list = "[" .. table.concat(list, ",") .. "]"
      local cursor = first + 99 < 250 and ('"%d"'):format(first + 100) or "null"
      return in_process.json(wanted and list or ('{"items":%s,"next_page_id":%s}'):format(list, cursor))
    end, { api = "v1" })
    local rest = assert(client:events(NOBODY, { after = "e217" }):all())
    assert.same({ 33, "e218", "e250" }, { #rest, rest[1].id, rest[33].id })
  end)

  it("are those of the caller's time, where it is later", function()
    local client, conversation = ran { api = "v1", event_count = 20 }
    local all = client:events(conversation):all()
    for _, bound in ipairs { 1, 13 } do -- the first of three
      local rest = client:events(conversation, { after = all[5].id, timestamp__gte = all[bound].timestamp })
      assert.same(ids_of(part(all, math.max(6, bound))), ids_of(rest:all()))
    end
  end)

  it("are found with one page more than they fill", function()
    local client, conversation, model = ran { api = "v1", event_count = 5000 }
    local all = client:events(conversation):all()
    model:advance(1)
    assert.equal(#all - 4800, #client:events(conversation, { after = all[4800].id }):all())
    assert.is_true(#searches(model, model:time()) <= 1 + 1 + 3)
  end)

  it("are those with higher numbers, on V0", function()
    local client, conversation = ran { api = "v0" }
    local all = client:events(conversation):all()
    for _, after in ipairs { 3, "3" } do
      for _, limit in ipairs { 2, 100 } do
        local rest = client:events(conversation, { limit = limit, after = after })
        assert.same(ids_of(part(all, 5)), ids_of(rest:all()))
      end
    end
    assert.same({}, client:events(conversation, { after = 1000 }):all())
    local event, err = client:events(conversation, { after = all[1].id .. "-0000" }):next()
    assert.is_nil(event)
    assert.same({ "invalid", conversation.conversation_id }, { err.kind, err.conversation_id })
  end)

  it("need one that the service knows", function()
    local client, conversation = ran { api = "v1", event_count = 20 }
    for _, after in ipairs { ("0"):rep(32), "01J5ZZZZZZZZZZZZZZZZZZZZZZ", 12, "123" } do
      local event, err = client:events(conversation, { after = after }):next()
      assert.is_nil(event)
      assert.same({ "not_found", conversation.conversation_id }, { err.kind, err.conversation_id })
      assert.matches("no event " .. after, err.message)
    end
    local events = client:events(NOBODY, { after = ("0"):rep(32) })
    assert.equal("not_found", select(2, events:next()).kind)
  end)

  it("may be asked for again when the service could not be", function()
    local client, conversation, _, transport = ran { api = "v1", event_count = 20 }
    local all = client:events(conversation):all()
    for _, skipped in ipairs { 0, 1, 2 } do
      local events = client:events(conversation, { after = all[5].id })
      transport.faults = { { point = "before", class = "connect", skip = skipped, count = 3 } }
      local list, err = events:all()
      assert.is_nil(list)
      assert.equal("connect", err.kind)
      assert.same(ids_of(part(all, 6)), ids_of(events:all()))
    end
  end)

  it("are not guessed where the service does not show that one at its time", function()
    local event = '{"id":"e1","timestamp":"2026-08-20T09:15:02"}'
    local client = in_process.scripted(function(request)
      return in_process.json(request.path:find "/search" and '{"items":[]}' or "[" .. event .. "]")
    end, { api = "v1" })
    local found, err = client:events(NOBODY, { after = "e1" }):next()
    assert.is_nil(found)
    assert.equal("not_found", err.kind)
  end)
end)

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

  it("are told soon after they have happened", function()
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

  it("are not lost between the last look and the end", function()
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

  it("survive what passes", function()
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

  it("end with what does not pass", function()
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

  it("look once at least, however little time there is", function()
    local client, conversation, model = begun { api = "v1" }
    model:advance(30)
    local followed = client:events(conversation, { follow = true }, { timeout = 0 })
    assert.is_true(#followed:page() > 2)
    assert.equal("timeout", select(2, followed:page()).kind)
    local done, settled = ran { api = "v1" }
    assert.is_true(#done:events(settled, { follow = true }, { timeout = 0 }):all() > 5)
  end)

  it("do not take longer than the reader's time where nobody answers", function()
    local client, conversation, model, transport = begun { api = "v1" }
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local before = model:time()
    local event, err = client:events(conversation, { follow = true }, { timeout = 30 }):next()
    assert.is_nil(event)
    assert.equal("timeout", err.kind)
    assert.is_true(model:time() - before >= 30 and model:time() - before <= 31)
  end)

  it("are looked for at the caller's pace, or ever more slowly", function()
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

describe("the pull requests of a conversation", function()
  local function found(events, repository)
    local client = in_process.scripted(function(request)
      if request.path:find "/events" then
        return in_process.json(('{"items":[%s]}'):format(events))
      end
      local own = repository and ',"git_provider":"github","pr_number":[7],"selected_repository":"' .. repository .. '"'
      return in_process.json(('[{"id":"%s","sandbox_status":"RUNNING"%s}]'):format(NOBODY, own or ""))
    end, { api = "v1" })
    return client:find_pull_requests(NOBODY)
  end

  it("are those that it lists and those that its events speak of, each once", function()
    local events = [[
      {"id":"1","source":"user","text":"like https://github.com/o/r/pull/1"},
      {"id":"2","source":"agent","text":"see https://github.com/o/r/pull/7, https://github.com/O/R/pull/9."},
      {"id":"3","source":"environment","observation":{"content":[{"text":"https://github.com/other/r/pull/2"}]}},
      {"id":"4","source":"environment","observation":{"content":[{"text":"(https://github.com/O/R/pull/9)"}]}}]]
    assert.same({ "https://github.com/o/r/pull/7", "https://github.com/O/R/pull/9" }, found(events, "o/r"))
    assert.same({ "https://github.com/o/r/pull/7" }, found("", "o/r"))
    assert.equal(3, #found(events))
    assert.same({}, found "")
  end)

  it("are those of other hosts too", function()
    local events = '{"id":"1","source":"agent","text":"https://gitlab.example/a/b/c/-/merge_requests/3 '
      .. 'https://bitbucket.org/a/b/pull-requests/4"}'
    assert.same({ "https://gitlab.example/a/b/c/-/merge_requests/3", "https://bitbucket.org/a/b/pull-requests/4" },
      found(events))
  end)

  it("are an error where the events cannot be read", function()
    local links, err = found "7,"
    assert.is_nil(links)
    assert.equal("protocol", err.kind)
  end)
end)
