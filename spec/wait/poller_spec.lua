-- All waits of one client share its requests: many coroutines, in virtual time.
local identifiers = require "openhands.conversation.identifier"
local openhands = require "openhands"
local coroutine_loop = require "spec.support.coroutine_loop"
local in_process = require "spec.support.in_process"

-- One coroutine for each, until all have ended.
local function run_all(client, model, count, wait)
  local together = coroutine_loop.new(client, model, 0.2)
  for place = 1, count do
    together.spawn(function() wait(place) end)
  end
  assert.same({}, together.run())
end

-- Starts so many conversations with a client of its own.
local function started(options, count, prompts, api)
  local starter, model, transport = in_process.simulated(options)
  local list = {}
  for place = 1, count do
    local prompt = prompts[(place - 1) % #prompts + 1]
    list[place] = assert(starter:start({ initial_user_msg = prompt }, { api = api }))
  end
  local client = openhands.new { transport = transport, api_key = "any", random = function() return 0.5 end }
  return client, model, list, transport
end

local function forget_requests(model)
  for place = #model.requests, 1, -1 do model.requests[place] = nil end
end

-- The most requests in any minute.
local function busiest_minute(requests)
  local most, first = 0, 1
  for last = 1, #requests do
    while requests[last].time - requests[first].time >= 60 do first = first + 1 end
    most = math.max(most, last - first + 1)
  end
  return most
end

local function gets(model, pattern)
  local list = {}
  for _, request in ipairs(model.requests) do
    if request.path:find(pattern) then list[#list + 1] = request end
  end
  return list
end

local function ids_in(request)
  local count = 0
  for _ in request.query:gmatch "ids=" do count = count + 1 end
  return count
end

describe("a hundred coroutines that wait for a conversation each", function()
  local phases = {
    { "V1, while they start", "v1", { "[simulate: never-ready]" }, 70 },
    { "V1, while they run", "v1", { "[simulate: slow]" }, 250 },
    { "V1, all kinds", "v1", {
      "x", "[simulate: slow]", "[simulate: error]", "[simulate: start-error]", "[simulate: waiting]",
      "[simulate: never-ready]", "[simulate: missing]", "[simulate: idle]", "[simulate: paused]", "[simulate: flap]",
    }, 300 },
    { "V0, while they run", "v0", { "[simulate: slow]" }, 400 },
    { "V0, all kinds", "v0", { "x", "[simulate: error]", "[simulate: waiting]", "[simulate: missing]" }, 400 },
  }
  for _, phase in ipairs(phases) do
    local name, api, prompts, seconds = phase[1], phase[2], phase[3], phase[4]
    it("send at most sixty requests a minute: " .. name, function()
      local client, model, list = started({}, 100, prompts, api)
      forget_requests(model)
      local ended = 0
      run_all(client, model, #list, function(place)
        local done, err = client:wait(list[place].conversation_id, { timeout = seconds, api = api })
        assert(done and done.settled or err.kind == "timeout" or err.kind == "not_found", err and err.message)
        ended = ended + 1
      end)
      assert.equal(100, ended)
      assert.is_true(busiest_minute(model.requests) <= 60, busiest_minute(model.requests))
      assert.is_true(busiest_minute(model.requests) >= 4)
    end)
  end

  it("all get their result, each in a table of its own", function()
    local client, model, list = started({ api = "v1" }, 100, { "x" })
    local seen, count = {}, 0
    run_all(client, model, #list, function(place)
      local done = assert(client:wait(list[place]))
      assert.equal(identifiers.normalize(list[place].conversation_id), identifiers.normalize(done.conversation_id))
      assert.equal("Done. Opened pull request 7.", done.answer)
      seen[done] = true
    end)
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(100, count)
    assert.same({}, client._poller._cohorts:list(0))
  end)

  it("ask in batches of at most 99", function()
    local client, model, list = started({ api = "v1" }, 100, { "[simulate: slow]" })
    model:advance(200)
    forget_requests(model)
    run_all(client, model, #list, function(place) client:wait(list[place].conversation_id, { timeout = 20 }) end)
    local sizes = {}
    for place, request in ipairs(gets(model, "^/api/v1/app%-conversations$")) do sizes[place] = ids_in(request) end
    assert.same({ 99, 1 }, { sizes[1], sizes[2] })
    assert.is_true(#sizes <= 10, #sizes) -- at 0, 5, 10.5, 16.5, and once when the time is over
  end)

  it("do not read the events of idle ones again and again", function()
    local idle = '{"id":"%s","sandbox_id":"s","sandbox_status":"RUNNING","execution_status":"idle","updated_at":"x"}'
    local client, requests = in_process.scripted(function(request)
      if request.path:find "/events/" then return in_process.json '{"items":[],"next_page_id":null}' end
      local items = {}
      for id in request.query:gmatch "ids=(%x+)" do items[#items + 1] = idle:format(id) end
      return in_process.json("[" .. table.concat(items, ",") .. "]")
    end, { api = "v1" })
    local ids = {}
    for place = 1, 10 do ids[place] = ("%032x"):format(place) end
    assert.equal("timeout", select(2, client:wait_all(ids, { timeout = 600 })).kind)
    local events = {}
    for _, request in ipairs(requests) do
      local id = request.path:match "/conversation/(%x+)/events/"
      if id then events[id] = (events[id] or 0) + 1 end
    end
    for _, id in ipairs(ids) do
      assert.is_true(events[id] >= 5 and events[id] <= 20, id .. " " .. tostring(events[id]))
    end
    assert.is_true(#requests > 300) -- and yet their status every two seconds
  end)
end)

describe("five hundred that are waited for", function()
  it("on V0 are polled in turn", function()
    local client, model, list = started({}, 500, { "[simulate: never-ready]" }, "v0")
    forget_requests(model)
    client:wait_all(list, { timeout = 700, api = "v0" })
    local looks = {}
    for _, request in ipairs(gets(model, "^/api/conversations/%x+$")) do
      looks[request.path] = (looks[request.path] or 0) + 1
    end
    local fewest, most = math.huge, 0
    for _, conversation in ipairs(list) do
      local count = looks["/api/conversations/" .. conversation.conversation_id] or 0
      fewest, most = math.min(fewest, count), math.max(most, count)
    end
    assert.is_true(fewest >= 1 and most <= fewest + 2, fewest .. " to " .. most)
    assert.is_true(busiest_minute(model.requests) <= 60)
  end)

  it("on V1 do not delay the results of those that settle", function()
    -- All settle but for one batch's worth, which goes on: its batches and the answers take turns.
    local client, model, list = started({ api = "v1" }, 150, { "x", "[simulate: slow]", "[simulate: slow]" })
    forget_requests(model)
    local ends = {}
    client:wait_all(list, {
      timeout = 250,
      on_change = function(conversation)
        if conversation.settled then ends[conversation.conversation_id] = model:time() end
      end,
    })
    local longest, before = 0, 0
    for _, request in ipairs(model.requests) do
      if (request.query or ""):find "ids=" then
        longest, before = math.max(longest, request.time - before), request.time
      end
    end
    assert.is_true(longest <= 10, longest)
    assert.is_true(gets(model, "/events/")[50].time < 200)
    for place, conversation in ipairs(list) do
      if place % 3 == 1 then assert.is_true(ends[conversation.conversation_id] < 100) end
    end
    assert.is_true(busiest_minute(model.requests) <= 60)
  end)
end)

describe("two waits", function()
  it("for the same conversation request it once, and get a table each", function()
    local client, model, list = started({ api = "v1" }, 1, { "x" })
    forget_requests(model)
    local results = {}
    run_all(client, model, 2, function(place) results[place] = assert(client:wait(list[1].conversation_id)) end)
    assert.equal("finished", results[1].state)
    assert.equal("finished", results[2].state)
    assert.is_false(rawequal(results[1], results[2]))
    local batches = gets(model, "^/api/v1/app%-conversations$")
    assert.is_true(#batches > 1)
    for _, request in ipairs(batches) do assert.equal(1, ids_in(request)) end
  end)

  it("for different organisations do not share a request", function()
    local client, model, list = started({ api = "v1" }, 2, { "[simulate: slow]" })
    model:advance(200)
    forget_requests(model)
    run_all(client, model, 2, function(place)
      client:wait(list[place].conversation_id, { timeout = 1, organization = ("0"):rep(31) .. place })
    end)
    local asked_for = {}
    for _, request in ipairs(gets(model, "^/api/v1/app%-conversations$")) do
      assert.equal(1, ids_in(request))
      asked_for[request.query] = true
    end
    assert.is_true(asked_for["ids=" .. list[1].conversation_id] and asked_for["ids=" .. list[2].conversation_id])
  end)

  it("do not share a deadline that is too short for one", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    local hasty = assert(client:start { initial_user_msg = "[simulate: slow]" })
    local patient = assert(client:start { initial_user_msg = "[simulate: slow]" })
    local together = coroutine_loop.new(client, model, 2)
    forget_requests(model)
    -- The hasty one looks at 0 and at 5.5, and takes the other along; that request has its time, which is too short.
    transport.faults = { { point = "before", class = "timeout", skip = 2 } }
    local first, second
    together.spawn(function() first = { client:wait(hasty, { timeout = 6, interval = 3.5 }) } end)
    together.spawn(function() second = { client:wait(patient, { timeout = 100 }) } end)
    assert.same({}, together.run())
    assert.equal("timeout", first[2].kind)
    assert.equal("timeout", second[2].kind)
    local asked = gets(model, "/start%-tasks$")
    assert.same({ 1, 1, 2, 1 }, { ids_in(asked[1]), ids_in(asked[2]), ids_in(asked[3]), ids_in(asked[4]) })
    assert.equal(asked[3].time + 2, asked[4].time) -- at once: a request is noted when its answer comes
  end)

  it("that began at different times are soon in step", function()
    local client, model, list = started({ api = "v1" }, 2, { "[simulate: slow]" })
    model:advance(170)
    forget_requests(model)
    run_all(client, model, 2, function(place)
      if place == 2 then client:_sleep(1) end
      client:wait(list[place], { timeout = 60 })
    end)
    local both = 0
    local batches = gets(model, "^/api/v1/app%-conversations$")
    for _, request in ipairs(batches) do both = both + (ids_in(request) == 2 and 1 or 0) end
    assert.is_true(both >= #batches - 4, both .. " of " .. #batches)
  end)

  it("do not poll for one that runs its on_change", function()
    local client, model, list = started({ api = "v1" }, 2, { "[simulate: slow]" })
    model:advance(170)
    local busy_from, busy_until
    run_all(client, model, 2, function(place)
      client:wait(list[place], {
        timeout = 100,
        on_change = place == 1 and function()
          busy_from = model:time()
          client:_sleep(50)
          busy_until = model:time()
        end or nil,
      })
    end)
    local alone, together = 0, 0
    for _, request in ipairs(gets(model, "^/api/v1/app%-conversations$")) do
      if request.time > busy_from and request.time < busy_until then
        assert.equal(1, ids_in(request))
        alone = alone + 1
      elseif request.time > busy_until then
        together = together + (ids_in(request) == 2 and 1 or 0)
      end
    end
    assert.is_true(alone >= 4 and together >= 1, alone .. " " .. together)
  end)

  it("keep quiet together when the service asks one of them to", function()
    local client, model, list, transport = started({ api = "v0" }, 20, { "[simulate: slow]" })
    local throttle = in_process.json("{}", 429, { { "Retry-After", "30" } })
    transport.faults = { { point = "before", response = throttle, skip = 30 } }
    forget_requests(model)
    client:wait_all(list, { timeout = 100, api = "v0" })
    assert.is_true(model.requests[32].time - model.requests[31].time >= 30)
    assert.is_true(model.requests[31].time - model.requests[30].time < 10)
  end)

  it("are not affected by the other's error in on_change", function()
    local client, model, list = started({ api = "v1" }, 2, { "x" })
    local together, done, failed_at = coroutine_loop.new(client, model, 0.2), nil, nil
    local function fail()
      failed_at = model:time()
      error "mine"
    end
    together.spawn(function() client:wait(list[1], { on_change = fail }) end)
    together.spawn(function() done = assert(client:wait(list[2])) end)
    local problems = together.run()
    assert.equal(1, #problems)
    assert.matches("mine", problems[1])
    assert.equal("finished", done.state)
    -- What the failed one waited for is not asked for any more.
    local count = 0
    for _, request in ipairs(model.requests) do
      if request.time > failed_at and (request.query or ""):find "ids=" then
        assert.equal(1, ids_in(request))
        count = count + 1
      end
    end
    assert.is_true(count > 5, count)
  end)

  it("of which one has an interval leave the other's rate alone", function()
    local client, model, list = started({ api = "v0" }, 40, { "[simulate: slow]" })
    forget_requests(model)
    run_all(client, model, #list, function(place)
      client:wait(list[place], { timeout = 100, interval = place == 1 and 0.5 or nil })
    end)
    local own = gets(model, "/" .. list[1].conversation_id .. "$")
    assert.is_true(#own > 100, #own)
    for place = #model.requests, 1, -1 do
      if model.requests[place].path:find(list[1].conversation_id, 1, true) then table.remove(model.requests, place) end
    end
    assert.is_true(#model.requests > 60 and busiest_minute(model.requests) <= 60, busiest_minute(model.requests))
  end)
end)

describe("a wait that was abandoned", function()
  -- As Ctrl-C does: an error out of wherever the program happens to be.
  local function interrupt(transport, name)
    local original = transport[name]
    transport[name] = function()
      transport[name] = original
      error "interrupted!"
    end
  end

  for _, name in ipairs { "sleep", "request" } do
    it("in " .. name .. " leaves nothing behind, and others go on at once", function()
      local client, model, list, transport = started({ api = "v0" }, 2, { "x" })
      interrupt(transport, name)
      local good, problem = pcall(client.wait, client, list[1])
      assert.is_false(good)
      assert.matches("interrupted!", problem)
      forget_requests(model)
      local before = model:time()
      assert(client:wait(list[2], { timeout = 0.5 }) == nil)
      assert.equal(before + 0.5, model:time())
      assert.equal(0, #gets(model, list[1].conversation_id))
      collectgarbage()
      collectgarbage()
      assert.same({}, client._poller._cohorts:list(0))
      assert(client:wait(list[2]))
    end)
  end

  for ending, silently in pairs { ["that died"] = false, ["that nobody resumes any more"] = true } do
    it("while it was asking, in a coroutine " .. ending .. ", does not stop the others", function()
      local client, model, list = started({ api = "v1" }, 2, { "x" })
      local together, first, second = coroutine_loop.new(client, model, 0.2), nil, nil
      together.spawn(function() first = client:wait(list[1]) end)
      assert.equal(1, client._core:in_flight())
      together.kill(silently)
      if silently then -- else it is not waited for, whether it is still there or not
        collectgarbage()
        collectgarbage()
      end
      together.spawn(function() second = assert(client:wait(list[2])) end)
      assert.equal(silently and 0 or 1, #together.run())
      assert.is_nil(first)
      assert.equal("finished", second.state)
      assert.is_true(model:time() < 80)
    end)
  end
end)
