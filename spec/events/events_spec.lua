-- Events read in pages, from the beginning or from an event on. In virtual time.

local event_lists = require "spec.support.event_lists"
local in_process = require "spec.support.in_process"

local ids_of, part, of_kind = event_lists.ids_of, event_lists.part, event_lists.of_kind
local ran, begun, searches = event_lists.ran, event_lists.begun, event_lists.searches

local NOBODY = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function reversed(list)
  local turned = {}
  for i = #list, 1, -1 do
    turned[#turned + 1] = list[i]
  end
  return turned
end

local function raises(pattern, call)
  local good, message = pcall(call)
  assert.is_false(good)
  assert.matches("spec/events/events_spec.lua:%d+: .*" .. pattern, message)
end

describe("the events of a conversation", function()
  for _, manner in ipairs { "plain", "empty", "repeat", "overlap" } do
    it("come each once, in either order, on V1: " .. manner, function()
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

  it("come each once, in either order, on V0", function()
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

  it("can be filtered by kind and by time", function()
    local client, conversation = ran { api = "v1", event_count = 60 }
    local all = client:events(conversation):all()
    local messages = client:events(conversation, { kind__eq = "MessageEvent", limit = 4 }):all()
    assert.is_true(#messages > 5)
    assert.same(ids_of(of_kind(all, "MessageEvent")), ids_of(messages))
    local from, to = all[10].timestamp, all[22].timestamp -- one of three that have it, and the first of three
    local some = client:events(conversation, { timestamp__gte = from, timestamp__lt = to }):all()
    assert.same(ids_of(part(all, 10, 21)), ids_of(some))
  end)

  it("of an unknown conversation are an error", function()
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

  it("are an error while the service cannot be reached, and go on afterwards", function()
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

  it("refuse a filter that the dialect does not have", function()
    local client, conversation = ran { api = "v0" }
    local event, err = client:events(conversation, { kind__eq = "MessageEvent" }):next()
    assert.is_nil(event)
    assert.equal("unsupported", err.kind)
    assert.matches("kind__eq", err.message)
  end)

  it("are an error where V0 gives no place to go on from", function()
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

  it("raise the caller's mistakes at the caller's line", function()
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
      { "'interval' needs 'follow = true'", {}, { interval = 3 } },
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
  it("continue a reading wherever it was interrupted", function()
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

  it("can be requested again after the service could not be reached", function()
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
