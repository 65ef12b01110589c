local json = require "openhands.simulator.encoding.json"
local raw_client = require "spec.support.raw_client"
local service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"
local timestamps = require "openhands.simulator.encoding.timestamps"

local null = json.null
local own_id, own_hex, fields_of = service.own_id, service.own_hex, service.fields_of

describe("a generated history", function()
  local here, model = service.new(), nil
  local get, start = here.get, here.start
  local path = "/api/v1/conversation/" .. own_id .. "/events"

  local function make(options)
    model = here.make(options)
    start(nil, { conversation_id = own_id })
  end

  -- Reads all pages, up to a limit. Returns the items and the number of pages.
  local function follow(target, first)
    local items, pages, page_id = {}, 0, first
    repeat
      local page = get(target .. (page_id and "&page_id=" .. page_id:gsub("[^%w]", function(character)
        return ("%%%02X"):format(character:byte())
      end) or ""))
      pages = pages + 1
      for _, item in ipairs(page.items) do items[#items + 1] = item end
      page_id = page.next_page_id ~= null and page.next_page_id or nil
    until not page_id or pages > 200
    return items, pages
  end

  local function ids_of(items)
    local ids = {}
    for position, item in ipairs(items) do ids[position] = item.id end
    return ids
  end

  it("has the requested number of events, in order, in groups of the same time", function()
    make { event_count = 250, outcome = "never-ready" }
    assert.are.equal(250, get(path .. "/count"))
    local items, pages = follow(path .. "/search?limit=100")
    assert.are.same({ 250, 3 }, { #items, pages })
    local seen, shared = {}, 0
    for position, event in ipairs(items) do
      assert.is_nil(seen[event.id])
      seen[event.id] = true
      local before = items[position - 1]
      assert.are.equal(before and before.id or null, event.parent_id)
      if before then
        assert.is_true(before.timestamp <= event.timestamp)
        if before.timestamp == event.timestamp then shared = shared + 1 end
      end
    end
    assert.is_true(shared > 100)
    assert.are.equal("2026-08-20T09:15:00.000000", items[250].timestamp)
  end)

  it("has events of the same form as the script's", function()
    make { event_count = 20 }
    model:advance(70)
    local by_kind, kinds = {}, {}
    for position, event in ipairs(get(path .. "/search").items) do
      local kind = event.kind .. (event.action and event.action.kind or "") .. (event.key or "")
      if by_kind[kind] then
        assert.are.equal(by_kind[kind], fields_of(event))
        if position > 20 then kinds[event.kind] = true end
      end
      by_kind[kind] = fields_of(event)
    end
    assert.are.equal("ActionEvent ConversationStateUpdateEvent MessageEvent ObservationEvent", fields_of(kinds))
  end)

  it("precedes the events of the script, with non-decreasing times", function()
    make { event_count = 5, pace = 0 }
    local items = get(path .. "/search").items
    assert.are.equal(16, #items)
    for position = 2, #items do
      assert.is_true(items[position - 1].timestamp <= items[position].timestamp)
      assert.are.equal(items[position - 1].id, items[position].parent_id)
    end
    assert.are.equal("finished", items[16].value)
  end)

  it("grows while a client pages through it", function()
    make { event_count = 100, outcome = "never-ready" }
    local first = get(path .. "/search?limit=100")
    assert.are.equal(null, first.next_page_id)
    model:advance(1)
    model:add_events(own_hex, 50)
    model:emit(model:find(own_hex), "message", "between")
    model:add_events(own_id, 50)
    local items = follow(path .. "/search?limit=30", "100")
    assert.are.equal(101, #items)
    assert.are.equal("between", items[51].llm_message.content[1].text)
    assert.are.equal(items[51].id, items[52].parent_id)
    assert.are.equal(201, get(path .. "/count"))
    assert.has_error(function() model:add_events("nobody", 1) end, "no V1 conversation has the id nobody")
  end)

  -- The same, by reading every event.
  local function counted(query)
    local count = 0
    for _, event in ipairs((follow(path .. "/search?limit=100"))) do
      if (not query.kind or event.kind == query.kind) and (not query.from or event.timestamp >= query.from)
        and (not query.before or event.timestamp < query.before) then
        count = count + 1
      end
    end
    return count
  end

  it("is counted and bounded without reading every event", function()
    make { event_count = 203 }
    model:advance(30)
    model:add_events(own_id, 41)
    local function time_of(index) return get(path .. "/search?limit=1&page_id=" .. (index - 1)).items[1].timestamp end
    for _, query in ipairs {
      {}, { kind = "ActionEvent" }, { kind = "ObservationEvent" }, { kind = "PauseEvent" },
      { from = time_of(100) }, { before = time_of(100) }, { from = time_of(50), before = time_of(150) },
      { kind = "MessageEvent", from = time_of(1), before = time_of(203) },
      { kind = "ConversationStateUpdateEvent", from = time_of(200) },
      { kind = "ActionEvent", from = time_of(206), before = time_of(230) },
      { from = "2030" }, { before = "2020" }, { from = "2026-08-20T09:15:01", before = "2026-08-20T09:15:00" },
    } do
      local words = "limit=7" .. (query.kind and "&kind__eq=" .. query.kind or "")
        .. (query.from and "&timestamp__gte=" .. query.from or "")
        .. (query.before and "&timestamp__lt=" .. query.before or "")
      local expected = counted(query)
      assert.are.equal(expected, get(path .. "/count?" .. words))
      local rising = ids_of(follow(path .. "/search?" .. words))
      local falling = ids_of(follow(path .. "/search?sort_order=TIMESTAMP_DESC&" .. words))
      assert.are.same({ expected, expected }, { #rising, #falling })
      for position, id in ipairs(rising) do assert.are.equal(id, falling[#falling + 1 - position]) end
    end
  end)

  it("starts its pages at the bounds", function()
    make { event_count = 1000, outcome = "never-ready" }
    local from = get(path .. "/search?limit=1&page_id=899").items[1].timestamp
    local page = get(path .. "/search?limit=10&timestamp__gte=" .. from)
    assert.are.same({ 10, from }, { #page.items, page.items[1].timestamp })
    assert.is_true(tonumber(page.next_page_id) > 900)
  end)

  it("returns single events by their ids", function()
    make { event_count = 30 }
    model:advance(70)
    model:add_events(own_id, 5)
    local all = ids_of(get(path .. "/search").items)
    local found = get(path .. "?id=" .. all[1] .. "&id=" .. all[46] .. "&id=" .. all[35] .. "&id="
      .. all[1]:gsub("%x$", "0") .. "&id=" .. all[30]:gsub("%x%x%x$", "fff"))
    assert.are.same({ all[1], all[46], all[35], null, null },
      { found[1].id, found[2].id, found[3].id, found[4], found[5] })
    assert.are.equal(422, select(2, get(path)).status)
    assert.are.equal(400, select(2, get(path .. "?id=x" .. ("&id=x"):rep(100))).status)
  end)

  it("of a million events needs no memory", function()
    make { event_count = 1000000, outcome = "never-ready" }
    assert.are.equal(1000000, get(path .. "/count"))
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for page = 1, 50 do
      assert.are.equal(100, #get(path .. "/search?limit=100&page_id=" .. page * 19000).items)
    end
    collectgarbage()
    collectgarbage()
    -- In KB: less than a byte per event, with room for a doubling of the string table of the interpreter.
    assert.is_true(collectgarbage "count" - before < 900)
  end)

  it("exists in a spawned simulator, too", function()
    local server = simulator.spawn { event_count = 10, outcome = "never-ready" }
    local function ask(method, target, body, enough)
      local asked = raw_client.request(method, target, body)
      local bytes = raw_client.exchange(server.address, asked, { enough = enough }).bytes
      return json.decode((select(2, raw_client.parts(bytes))))
    end
    assert.has_error(function() server:add_events(own_id, 1) end, "simulator: no V1 conversation has the id " .. own_id)
    ask("POST", "/api/v1/app-conversations", json.encode { conversation_id = own_id }, "WORKING")
    server:add_events(own_id, 7)
    assert.are.equal(17, ask("GET", path .. "/count", nil, "17$"))
    server:close()
  end)

  describe("has pages, like any list, that", function()
    local lists = {
      events = { "event_pages", path .. "/search?limit=3", 12 },
      repositories = { "list_pages", "/api/v1/git/repositories/search?provider=github&limit=3", 12 },
    }

    local function paged(name, behavior)
      make { event_count = 12, repository_count = 12, outcome = "never-ready", [lists[name][1]] = behavior }
      return follow(lists[name][2])
    end

    -- Counts the distinct ids.
    local function distinct(items)
      local seen, count = {}, 0
      for _, item in ipairs(items) do
        if not seen[item.id] then count = count + 1 end
        seen[item.id] = true
      end
      return count
    end

    for name in pairs(lists) do
      it("can be plain: " .. name, function()
        local items, pages = paged(name, "plain")
        assert.are.same({ 12, 12, 4 }, { #items, distinct(items), pages })
      end)

      it("can be empty in between: " .. name, function()
        local items, pages = paged(name, "empty")
        assert.are.same({ 12, 12, 7 }, { #items, distinct(items), pages })
      end)

      it("can name themselves as the next one once: " .. name, function()
        local items, pages = paged(name, "repeat")
        assert.are.same({ 21, 12, 7 }, { #items, distinct(items), pages })
        local page = get(lists[name][2])
        assert.are_not.equal(null, page.next_page_id)
        items, pages = follow(lists[name][2])
        assert.are.same({ 12, 4 }, { #items, pages })
      end)

      it("can name themselves for ever: " .. name, function()
        local _, pages = paged(name, "stuck")
        assert.are.equal(201, pages)
      end)

      it("can overlap: " .. name, function()
        local items, pages = paged(name, "overlap")
        assert.are.same({ 17, 12, 6 }, { #items, distinct(items), pages })
      end)
    end

    it("have no other behavior", function()
      assert.has_error(function() simulator.model { event_pages = "rude" } end,
        'event_pages must be one of empty, overlap, plain, repeat, stuck, not "rude"')
    end)
  end)

  it("has times that timestamps.parse understands", function()
    make { event_count = 1, outcome = "never-ready" }
    local event = get(path .. "/search").items[1]
    assert.are.equal(model:now(), timestamps.parse(event.timestamp))
  end)
end)
