-- What a start costs, whatever goes wrong: every fault at every point, in both dialects. The simulator counts the jobs;
-- what the client says must agree with it, and there are never two.
local simulator = require "openhands.simulator"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

local fields = { initial_user_msg = "Fix the typo.", repository = "owner/repo" }

-- Every action, with what it needs to be quick. `only`: the points where it makes sense, where not every one.
local actions = {
  { "close" }, { "reset" }, { "hang" }, { "null" }, { "invalid_utf8" }, { "deep", depth = 5000 },
  { "html" }, { "html", status = 502 }, { "garbage" }, { "raw", bytes = "" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\n\r\n" }, { "raw", bytes = "HTTP/9.9 200 OK\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 000 What\r\nContent-Length: 2\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hexadecimal\r\n" },
  { "raw", bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n" },
  { "empty" }, { "empty", status = 200 }, { "status", status = 200, body = {} },
  { "status", status = 201, body = { id = 7 } }, { "status", status = 200, body = "[]" },
  { "status", status = 500 }, { "status", status = 502, body = "no JSON" }, { "status", status = 503 },
  { "status", status = 503, headers = { ["Retry-After"] = "1" } }, { "status", status = 408 },
  { "redirect", status = 303 },
  { "huge", bytes = 300000 }, { "body_flood", bytes = 2000000 }, { "headers_flood", bytes = 200000 },
  { "refuse", seconds = 0.03 },
  { "drip", bytes = 150, seconds = 0.001 }, { "split" }, { "continue", times = 3 }, { "wrong_length" },
  { "wrong_length", delta = -5 }, { "no_length" }, { "no_length", bytes = 20 }, { "truncate_chunked" }, { "cut_gzip" },
  { "cut_gzip", bytes = 30 }, { "delay", seconds = 0.02 },
  { "type", field = "id", value = simulator.null }, { "type", field = "id", value = 7 },
  { "type", field = "conversation_id", value = simulator.null }, { "type", field = "conversation_id", value = "" },
  { "type", field = "status", value = 0 }, { "type", field = "status", value = simulator.array() },
  -- Refusals: before the service has acted. After it has, they would be lies.
  { "status", status = 400, only = "after_read" }, { "status", status = 401, only = "after_read" },
  { "status", status = 403, only = "after_read" }, { "status", status = 404, only = "after_read" },
  { "status", status = 405, only = "after_read" }, { "status", status = 409, only = "after_read" },
  { "status", status = 413, only = "after_read" }, { "status", status = 417, only = "after_read" },
  { "status", status = 422, only = "after_read" },
  { "redirect", status = 302, only = "after_read" }, { "redirect", status = 307, only = "after_read" },
}

local points = { "accept", "before_read", "after_read", "after_commit", "in_headers", "in_body" }

local cutting = { close = true, reset = true, hang = true }
local shaping = {
  drip = true, split = true, continue = true, wrong_length = true, no_length = true, truncate_chunked = true,
  cut_gzip = true, type = true,
}

-- Enough of them to strike every request until time is up.
local lasting = {
  close = true, reset = true, hang = true, null = true, html = true, garbage = true, refuse = true, redirect = true,
}

local function happens(point, action)
  if action.only and action.only ~= point then return false end
  if point == "in_headers" or point == "in_body" then return cutting[action[1]] end
  if action[1] == "delay" then return point == "after_read" or point == "after_commit" end
  return point == "after_commit" or not shaping[action[1]]
end

-- How much of the traffic a fault strikes: the start once, every start, or everything.
local reaches = { "once", "each start", "everything" }

local function fault_of(point, action, reach)
  local fault = { point = point, count = reach == "once" and 1 or -1 }
  for name, value in pairs(action) do fault[name] = value end
  fault.action, fault[1], fault.only = action[1], nil, nil
  if reach ~= "everything" and point ~= "accept" and point ~= "before_read" then fault.match = { method = "POST" } end
  return fault
end

local function name_of(fault, api, reach)
  local details = {}
  for _, name in ipairs { "status", "bytes", "delta", "field", "value" } do
    local text = fault[name] ~= nil and tostring(fault[name]):gsub("%s+", " "):gsub("^table.*", "{}")
    if text then details[#details + 1] = text end
  end
  return ("%s: %s %s %s(%s)"):format(api, reach, fault.point, fault.action, table.concat(details, " "))
end

describe("a start on the wire", function()
  local server, client

  setup(function() server = simulator.spawn { pace = 0.01 } end)
  teardown(function() server:close() end)
  before_each(function()
    server:reset()
    canary.forget_log()
  end)
  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function connect(settings)
    client = canary.client(server, settings)
    return client
  end

  local function posts()
    local list = {}
    for _, request in ipairs(server:requests()) do
      if request.method == "POST" then list[#list + 1] = request end
    end
    return list
  end

  local function distinct_starts()
    local list = {}
    for _, start in ipairs(server:starts()) do
      if not start.repeated then list[#list + 1] = start end
    end
    return list
  end

  -- The one that the simulator has, and the simulator has one.
  local function assert_started(conversation)
    assertions.assert_conversation(conversation)
    local starts = distinct_starts()
    assert.are.equal(1, #starts)
    assert.are.equal(1, server:jobs())
    assert.are.equal(assertions.same_id(starts[1].conversation_id), assertions.same_id(conversation.conversation_id))
  end

  local function assert_taken_up(id, api)
    server:faults {}
    server:refuse(false)
    local conversation, err = client:start({
      initial_user_msg = fields.initial_user_msg, repository = fields.repository, conversation_id = id,
    }, { timeout = 10, deadline = 20, api = api })
    assert.is_nil(err and err.message)
    assert_started(conversation)
    assert.are.equal(assertions.same_id(id), assertions.same_id(conversation.conversation_id))
  end

  local function assert_one_id()
    local id
    for _, post in ipairs(posts()) do
      local sent = post.body:match('"conversation_id":"([^"]+)"')
      assert.is_string(sent)
      assert.are.equal(id or sent, sent)
      id = sent
    end
  end

  local function assert_agrees(api, conversation, err)
    if conversation then
      assert_started(conversation)
    else
      assertions.assert_error(err)
      assert.is_true(#distinct_starts() <= (err.kind == "ambiguous" and 1 or 0), err.message)
    end
    if api == "v1" then
      assert_one_id()
      if err and err.kind == "ambiguous" then assert_taken_up(err.conversation_id, api) end
    elseif not conversation and err.kind == "ambiguous" then
      assert.is_true(#posts() <= 1)
      assert.is_nil(err.conversation_id)
      assert.is_false(err.retryable)
    end
  end

  -- Whether nothing but one exchange was lost, so that the service can tell V1 what became of it.
  local function must_succeed(api, point, action, reach)
    return api == "v1" and reach == "once" and not action.only and not (point == "accept" and action[1] == "refuse")
  end

  local function cell(api, point, action, reach)
    local fault = fault_of(point, action, reach)
    it(name_of(fault, api, reach), function()
      server:faults { fault }
      connect {
        api = api, retries = 1, max_body = 200000,
        -- What hangs ends by itself. Where it must succeed all the same, nothing else may take that long.
        timeout = action[1] ~= "hang" and 10 or must_succeed(api, point, action, reach) and 0.6 or 0.06,
        grace = action[1] == "refuse" and 0.5 or 0.02, -- longer than nobody listens
        deadline = reach == "everything" and 0.12 or 20,
      }
      local conversation, err = client:start(fields)
      if must_succeed(api, point, action, reach) then assert.is_nil(err and err.message) end
      if action.only then
        assert.is_nil(conversation)
        assert.are_not.equal("ambiguous", err.kind)
      end
      assert_agrees(api, conversation, err)
    end)
  end

  for _, api in ipairs { "v0", "v1" } do
    for _, point in ipairs(points) do
      for _, action in ipairs(actions) do
        for _, reach in ipairs(reaches) do
          -- V0 sends one request; and before the request was read, each start cannot be told from everything.
          local pointless = reach ~= "once" and api == "v0"
            or reach == "each start" and (point == "accept" or point == "before_read")
            or reach == "everything" and (action.only or not lasting[action[1]])
          if happens(point, action) and not pointless then cell(api, point, action, reach) end
        end
      end
    end
  end

  -- A service that has acted and says that it has not: the one lie that is believed.
  it("is refused by HTTP status 422", function()
    server:faults { { point = "after_commit", action = "status", status = 422 } }
    local conversation, err = connect({ api = "v1" }):start(fields)
    assert.is_nil(conversation)
    assert.are.equal("invalid", assertions.assert_error(err).kind)
    assert.are.equal(1, #posts())
  end)

  for _, lie in ipairs { { action = "redirect", status = 302 }, { action = "status", status = 409 } } do
    it(("is looked for once after HTTP status %d, which says nothing clear"):format(lie.status), function()
      server:faults { { point = "after_commit", action = lie.action, status = lie.status } }
      assert_started(assert(connect({ api = "v1" }):start(fields)))
      assert.are.equal(1, #posts())
    end)
  end

  it("is sent once, on a connection of its own, without a request before it", function()
    local before = server:connections().accepted
    assert_started(assert(connect():start(fields)))
    local requests = server:requests()
    assert.are.same({ "GET", "POST" }, { requests[1].method, requests[2].method })
    local headers = requests[2].headers
    assert.is_nil(headers.expect)
    assert.are.equal(tostring(#requests[2].body), headers["content-length"])
    assert.are.equal("Bearer " .. canary.key, headers.authorization)
    assert.are.equal(2, server:connections().accepted - before)
  end)

  for _, ending in ipairs { "close", "reset" } do
    for _, api in ipairs { "v0", "v1" } do
      it(("is not sent again by libcurl: kept connection, then %s after reading, %s"):format(ending, api), function()
        server:options { api = api }
        connect { retries = 0 }
        assert.is_nil(client:status(("0"):rep(32)))
        server:faults { { point = "after_read", action = ending, count = -1, match = { method = "POST" } } }
        local conversation, err = client:start(fields)
        assert.is_nil(conversation)
        assert.are.equal("ambiguous", err.kind)
        assert.are.equal(1, #posts())
        assert.are.equal(0, server:jobs())
      end)
    end
  end

  it("is not sent again after twenty thousand times 100 Continue", function()
    server:faults { { point = "after_commit", action = "continue", times = 20000 } }
    assert_started(assert(connect({ api = "v1" }):start(fields)))
    assert.are.equal(1, #posts())
  end)

  describe("whose answer is lost", function()
    local lost = { point = "after_commit", action = "reset", match = { method = "POST" } }

    it("is found though the service shows it late", function()
      server:options { visibility = 0.05 }
      server:faults { lost }
      assert_started(assert(connect({ api = "v1", grace = 1 }):start(fields)))
      assert.are.equal(1, #posts())
    end)

    it("is sent again with the same id when it does not show in time", function()
      server:options { visibility = 1000 }
      server:faults { lost }
      assert_started(assert(connect({ api = "v1" }):start(fields)))
      assert.are.equal(2, #posts())
      assert_one_id()
    end)

    it("stays unclear without another try, and is resumed when it shows", function()
      server:options { visibility = 1000 }
      server:faults { lost }
      local _, err = connect({ api = "v1", retries = 0 }):start(fields)
      assert.are.equal("ambiguous", assertions.assert_error(err).kind)
      assert.are.equal(1, #posts())
      server:options { visibility = 0 }
      assert_taken_up(err.conversation_id, "v1")
      assert.are.equal(1, #posts())
    end)

    it("is resumed by another client that knows the id only", function()
      server:options { visibility = 1000 }
      server:faults { lost }
      local _, err = connect({ api = "v1", retries = 0 }):start(fields)
      server:options { visibility = 0 }
      client:close()
      connect { api = "v1" }
      assert_taken_up(err.conversation_id, "v1")
      assert.are.equal(1, #posts())
    end)
  end)

  describe("on an old server, which gives its own ids,", function()
    before_each(function() server:options { client_ids = false, old = true } end)

    it("ends with one job, found under the server's id", function()
      local conversation = assert(connect({ api = "v1" }):start(fields))
      local started = distinct_starts()
      assert.are.equal(1, #started)
      assert.are.equal(1, server:jobs())
      local done = assert(client:wait(conversation, { interval = 0.02, timeout = 20 }))
      assert.are.equal("finished", done.state)
      assert.are.equal(assertions.same_id(started[1].conversation_id), assertions.same_id(done.conversation_id))
    end)

    it("is not started twice when its answer is lost", function()
      server:faults { { point = "after_commit", action = "reset", match = { method = "POST" } } }
      local conversation, err = connect({ api = "v1" }):start(fields)
      assert.are.equal(1, server:jobs())
      if not conversation then assert.are.equal("ambiguous", assertions.assert_error(err).kind) end
    end)
  end)

  describe("that the service throttles", function()
    for _, name in ipairs { "window", "burst" } do
      for _, api in ipairs { "v0", "v1" } do
        it(("is tried again, and started once: %s, %s"):format(name, api), function()
          server:throttle(name, 2, { starts = true, retry_after = "soon" })
          assert_started(assert(connect({ api = api }):start(fields)))
          assert.are.equal(3, #posts())
          if api == "v1" then assert_one_id() end
        end)
      end
    end

    it("waits as long as the service asks", function()
      server:throttle("window", 1, { starts = true, retry_after = 1 })
      assert_started(assert(connect({ api = "v1" }):start(fields)))
      assert.is_true(posts()[2].time - posts()[1].time >= 1)
    end)

    it("is given up when the service asks for too long a wait", function()
      server:throttle("burst", -1, { starts = true, retry_after = 3600 })
      local conversation, err = connect({ api = "v1" }):start(fields)
      assert.is_nil(conversation)
      assert.are.same({ "throttled", 3600, true }, { err.kind, err.retry_after, err.retryable })
      assert.are.same({ 1, 0 }, { #posts(), server:jobs() })
      assertions.assert_error(err)
    end)

    it("is given up after its retries", function()
      server:throttle("burst", -1, { starts = true, retry_after = "soon" })
      local _, err = connect({ api = "v0", retries = 4 }):start(fields)
      assert.are.equal("throttled", assertions.assert_error(err).kind)
      assert.are.same({ 5, 0 }, { #posts(), server:jobs() })
    end)
  end)

  describe("beyond a limit", function()
    local function refused(api)
      local conversation, err = connect({ api = api }):start(fields)
      assert.is_nil(conversation)
      assertions.assert_error(err)
      assert.are.same({ 1, 0 }, { #posts(), server:jobs() })
      assert.are.same({ 429, false }, { err.status, err.retryable })
      return err
    end

    for _, api in ipairs { "v0", "v1" } do
      for _, flat in ipairs { false, true } do
        it(("of concurrent conversations: %s, %s"):format(api, flat and "flat" or "nested"), function()
          server:throttle("concurrency", -1, { limit = 5, current = 4, flat = flat })
          local err = refused(api)
          assert.are.same({ "limit", 5, 4 }, { err.kind, err.limit, err.current })
          if math.type then assert.are.equal("integer", math.type(err.limit)) end
        end)
      end

      it("of conversations per day: " .. api, function()
        server:throttle("quota", -1, { reset_at = "2026-08-21T00:00:00+00:00" })
        local err = refused(api)
        assert.are.same({ "quota", "2026-08-21T00:00:00+00:00" }, { err.kind, err.reset_at })
      end)

      it("of pending messages: " .. api, function()
        server:faults { { point = "after_read", action = "status", status = 429, count = -1,
          body = { detail = "Too many pending messages. Maximum 10 messages per conversation." } } }
        assert.are.equal("limit", refused(api).kind)
      end)
    end

    it("that pauses other conversations: the start succeeds", function()
      server:options { max_concurrent = 1 }
      connect { api = "v1" }
      assert(client:start(fields))
      assert(client:start(fields))
      assert.are.equal(2, server:jobs())
    end)
  end)

  it("whose key is echoed shows it nowhere", function()
    for _, status in ipairs { 200, 400, 401, 422, 429, 500 } do
      for _, api in ipairs { "v0", "v1" } do
        server:reset()
        server:faults { { point = "after_read", action = "status", status = status, count = -1, body = {
          detail = "the key " .. canary.key .. " is no good",
          echo = { authorization = "Bearer " .. canary.key, [canary.key] = { canary.key } },
        } } }
        local conversation, err = connect({ api = api, retries = 0, deadline = status == 200 and 0.1 or 20 })
          :start(fields)
        assert.is_nil(conversation)
        assertions.assert_error(err)
        if status ~= 200 then assert.is_not_nil(err.detail) end
        canary.assert_no_secret(client)
        client:close()
      end
    end
  end)
end)
