-- A page of a hundred large events is larger than the limit of an answer. Smaller pages must be read instead. If one
-- event is still too large, the error names the setting that allows it.

local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
local LINK = "https://github.com/acme/widgets/pull/17"
local LARGE = ("x"):rep(3000)

-- Returns a JSON value inside so many nested objects.
local function nested(depth, inner) return ('{"a":'):rep(depth) .. inner .. ("}"):rep(depth) end

local function event(number, source, rest)
  return ('{"id":"%d","timestamp":"2026-08-20T09:15:14","source":"%s",%s}'):format(number, source, rest)
end

local function observation(number, text)
  return event(tonumber(number), "environment", ('"kind":"ObservationEvent","text":"%s"'):format(text or LARGE))
end

local function message(number, source, text)
  local words = ('"kind":"MessageEvent","llm_message":{"content":[{"type":"text","text":"%s"}]}'):format(text)
  return event(number, source, words)
end

-- A V1 service with these events, oldest first, whose agent is idle.
local function service(events, settings)
  local limits = {}
  local client, requests = in_process.scripted(function(request)
    if not request.path:find "events/search" then
      return in_process.json(([=[[{"id":"%s","sandbox_id":"s","sandbox_status":"RUNNING","execution_status":"idle",
        "selected_repository":"acme/widgets","created_at":"2026-08-20T09:15:14"}]]=]):format(ID))
    end
    local limit = tonumber(request.query:match "limit=(%d+)")
    local first = tonumber(request.query:match "page_id=(%d+)" or 0)
    local items = {}
    for place = first + 1, math.min(first + limit, #events) do
      items[#items + 1] = events[request.query:find "DESC" and #events + 1 - place or place]
    end
    limits[#limits + 1] = limit
    local following = first + limit < #events and ('"%d"'):format(first + limit) or "null"
    return in_process.json(('{"items":[%s],"next_page_id":%s}'):format(table.concat(items, ","), following))
  end, { api = "v1", max_body = settings and settings.max_body or 100000 })
  return client, limits, requests
end

local function many(count, last)
  local events = { message(1, "user", "Do it.") }
  for number = 2, count do events[number] = observation(number) end
  events[count + 1] = last or message(count + 1, "agent", "Done: " .. LINK)
  return events
end

local function same_events(expected, got)
  assert.equal(#expected, #got)
  for number, each in ipairs(got) do assert.equal(("%d"):format(number), each.id) end
end

describe("events of a conversation", function()
  it("come in smaller pages when a hundred of them are too large", function()
    local events = many(249)
    local client, limits = service(events)
    same_events(events, assert(client:events(ID):all()))
    assert.same({ 100, 50, 25 }, { limits[1], limits[2], limits[3] })
    assert(#limits < 15, #limits)
  end)

  it("come in large pages again behind the large ones", function()
    local events = many(40)
    for number = #events + 1, 900 do events[number] = observation(number, "small") end
    local client, limits = service(events)
    same_events(events, assert(client:events(ID):all()))
    assert.equal(100, limits[#limits])
  end)

  it("tell the answer and the pull requests all the same, and a wait ends", function()
    local client = service(many(120))
    assert.equal("Done: " .. LINK, assert(client:answer(ID)))
    assert.same({ LINK }, assert(client:find_pull_requests(ID)))
    local conversation = assert(client:wait(ID, { timeout = 600 }))
    assert.equal("finished", conversation.state)
    assert.equal("Done: " .. LINK, conversation.answer)
  end)

  it("are read however deep they are", function()
    local deep = event(2, "agent", '"kind":"ObservationEvent","text":' .. nested(900, '"' .. LINK .. '"'))
    local client = service { message(1, "user", "Do it."), deep, message(3, "agent", "Done.") }
    same_events({ 1, 2, 3 }, assert(client:events(ID):all()))
    assert.equal("Done.", assert(client:answer(ID)))
    assert.same({ LINK }, assert(client:find_pull_requests(ID)))
    assert.equal("finished", assert(client:wait(ID, { timeout = 600 })).state)
  end)

  it("come in smaller pages from a shared conversation, too", function()
    local events = many(149)
    local client, limits = service(events)
    same_events(events, assert(client.shared:events(ID):all()))
    assert.equal(100, limits[1])
  end)

  it("are asked for by their ids in smaller batches, too", function()
    local sizes = {}
    local client = in_process.scripted(function(request)
      local items = {}
      for id in request.query:gmatch "id=(%d+)" do items[#items + 1] = observation(id) end
      sizes[#sizes + 1] = #items
      return in_process.json("[" .. table.concat(items, ",") .. "]")
    end, { api = "v1", max_body = 100000 })
    local ids = {}
    for number = 1, 150 do ids[number] = ("%d"):format(number) end
    local found = assert(client:event_batch(ID, ids))
    for _, id in ipairs(ids) do assert.equal(id, found[id].id) end
    assert.same({ 99, 50, 25 }, { sizes[1], sizes[2], sizes[3] })
    local value, err = client:event_batch(ID, { "1", "2" }, { max_body = 1000 })
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
  end)

  it("of which one is too large end with an error that names the setting", function()
    local events = { message(1, "user", "Do it."), observation(2), observation(3, ("x"):rep(200000)), observation(4) }
    local client, limits = service(events)
    local collection = client:events(ID)
    assert.equal("1", assert(collection:next()).id)
    assert.equal("2", assert(collection:next()).id)
    local value, err = collection:next()
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.is_false(err.retryable)
    assert.equal(ID, err.conversation_id)
    assert.equal("events: https://app.all-hands.dev gave an answer that is too large: its body is larger than 100000 "
      .. "bytes (max_body); ask for less at once, or allow more", err.message)
    assert.equal(1, limits[#limits])
    local links
    links, err = client:find_pull_requests(ID)
    assert.is_nil(links)
    assert.equal("too_large", err.kind)
    same_events(events, assert(client:events(ID, nil, { max_body = 1000000 }):all()))
  end)

  it("of which one is too large do not hide the end behind it", function()
    local finish = event(3, "agent", '"kind":"ActionEvent","action":{"kind":"FinishAction","message":"All done."}')
    local client = service { message(1, "user", "Do it."), finish, observation(4, ("x"):rep(200000)) }
    local conversation = assert(client:wait(ID, { timeout = 600 }))
    assert.equal("finished", conversation.state)
    assert.equal("All done.", conversation.answer)
  end)

  it("of which the answer may be too large give no older one", function()
    local client = service {
      message(1, "user", "Do it."), message(2, "agent", "I begin."), message(3, "agent", ("x"):rep(200000)),
    }
    local answer, err = client:answer(ID)
    assert.is_nil(answer)
    assert.equal("too_large", err.kind)
    assert.matches("^answer: ", err.message)
    assert.matches("max_body", err.message)
    assert.is_nil(assert(client:wait(ID, { timeout = 600 })).answer)
  end)
end)

describe("events of a V0 conversation", function()
  -- The same for V0, where a page begins at the number of an event.
  local function service_v0(events)
    local limits = {}
    local client = in_process.scripted(function(request)
      if not request.path:find "/events" then
        return in_process.json(('{"conversation_id":"%s","status":"RUNNING"}'):format(ID:gsub("-", "")))
      end
      local limit, reverse = tonumber(request.query:match "limit=(%d+)"), request.query:find "reverse=true"
      local bound = tonumber(request.query:match(reverse and "end_id=(%d+)" or "start_id=(%d+)"))
      local first = bound or (reverse and #events - 1 or 0)
      local items, last = {}, first
      while #items < limit and events[last + 1] do
        items[#items + 1] = events[last + 1]
        last = last + (reverse and -1 or 1)
      end
      limits[#limits + 1] = limit
      local has_more = events[last + 1] ~= nil
      return in_process.json(('{"events":[%s],"has_more":%s}'):format(table.concat(items, ","), tostring(has_more)))
    end, { api = "v0", max_body = 20000 })
    return client, limits
  end

  local function event_v0(number, source, rest)
    return ('{"id":%d,"source":"%s",%s}'):format(number, source, rest)
  end

  local function many_v0(count)
    local events = { event_v0(0, "user", '"action":"message","args":{"content":"Do it."}') }
    for number = 1, count do
      events[number + 1] = event_v0(number, "agent", '"observation":"run","content":"' .. LARGE .. '"')
    end
    return events
  end

  it("come in smaller pages", function()
    local events = many_v0(50)
    local client, limits = service_v0(events)
    local got = assert(client:events(ID):all())
    assert.equal(51, #got)
    for number, each in ipairs(got) do assert.equal(number - 1, each.id) end
    assert.equal(100, limits[1])
  end)

  it("tell the end although the newest are large", function()
    local events = many_v0(30)
    events[#events - 10] = event_v0(#events - 11, "agent", '"action":"finish","args":{"final_thought":"All done."}')
    events[#events + 1] = event_v0(#events, "environment",
      '"observation":"agent_state_changed","extras":{"agent_state":"finished"}')
    local client, limits = service_v0(events)
    local conversation = assert(client:wait(ID, { timeout = 600 }))
    assert.equal("finished", conversation.state)
    assert.equal("All done.", conversation.answer)
    assert.equal(20, limits[1])
  end)

  it("that stay too large end a wait that only they can end", function()
    local events = many_v0(3)
    events[#events + 1] = event_v0(4, "agent", '"observation":"run","content":"' .. ("x"):rep(30000) .. '"')
    local client = service_v0(events)
    local conversation, err = client:wait(ID, { timeout = 6000 })
    assert.is_nil(conversation)
    assert.equal("too_large", err.kind)
    assert.matches("max_body", err.message)
    assert.equal("running", err.conversation.state)
  end)
end)
