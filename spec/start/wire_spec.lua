-- Starts over a real socket: lost answers, old servers, throttling, limits, and echoed keys.
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local start_service = require "spec.support.start_service"

describe("a start on the wire", function()
  local here = start_service.new()

  before_each(here.reset)
  after_each(here.disconnect)
  teardown(function() here.server:close() end)

  -- A service that has acted and says that it has not: the client believes it.
  it("is refused by HTTP status 422", function()
    here.server:faults { { point = "after_commit", action = "status", status = 422 } }
    local conversation, err = here.connect({ api = "v1" }):start(here.fields)
    assert.is_nil(conversation)
    assert.are.equal("invalid", assertions.assert_error(err).kind)
    assert.are.equal(1, #here.posts())
  end)

  for _, unclear in ipairs { { action = "redirect", status = 302 }, { action = "status", status = 409 } } do
    it(("is looked up once after HTTP status %d, which is not a clear refusal"):format(unclear.status), function()
      here.server:faults { { point = "after_commit", action = unclear.action, status = unclear.status } }
      here.assert_started(assert(here.connect({ api = "v1" }):start(here.fields)))
      assert.are.equal(1, #here.posts())
    end)
  end

  it("is sent once, as the first request of its own connection", function()
    local before = here.server:connections().accepted
    here.assert_started(assert(here.connect():start(here.fields)))
    local requests = here.server:requests()
    assert.are.same({ "GET", "POST" }, { requests[1].method, requests[2].method })
    local headers = requests[2].headers
    assert.is_nil(headers.expect)
    assert.are.equal(tostring(#requests[2].body), headers["content-length"])
    assert.are.equal("Bearer " .. canary.key, headers.authorization)
    assert.are.equal(2, here.server:connections().accepted - before)
  end)

  for _, ending in ipairs { "close", "reset" } do
    for _, api in ipairs { "v0", "v1" } do
      it(("is not sent again when a kept connection ends by %s after reading: %s"):format(ending, api), function()
        here.server:options { api = api }
        here.connect { retries = 0 }
        assert.is_nil(here.client:status(("0"):rep(32)))
        here.server:faults { { point = "after_read", action = ending, count = -1, match = { method = "POST" } } }
        local conversation, err = here.client:start(here.fields)
        assert.is_nil(conversation)
        assert.are.equal("ambiguous", err.kind)
        assert.are.equal(1, #here.posts())
        assert.are.equal(0, here.server:jobs())
      end)
    end
  end

  it("is not sent again after twenty thousand times 100 Continue", function()
    here.server:faults { { point = "after_commit", action = "continue", times = 20000 } }
    here.assert_started(assert(here.connect({ api = "v1" }):start(here.fields)))
    assert.are.equal(1, #here.posts())
  end)

  describe("whose answer is lost", function()
    local lost = { point = "after_commit", action = "reset", match = { method = "POST" } }

    it("is found even when the service shows it late", function()
      here.server:options { visibility = 0.05 }
      here.server:faults { lost }
      here.assert_started(assert(here.connect({ api = "v1", grace = 1 }):start(here.fields)))
      assert.are.equal(1, #here.posts())
    end)

    it("is sent again with the same id when it does not show in time", function()
      here.server:options { visibility = 1000 }
      here.server:faults { lost }
      here.assert_started(assert(here.connect({ api = "v1" }):start(here.fields)))
      assert.are.equal(2, #here.posts())
      here.assert_one_id()
    end)

    it("stays unclear without retries, and is resumed when the service shows it", function()
      here.server:options { visibility = 1000 }
      here.server:faults { lost }
      local _, err = here.connect({ api = "v1", retries = 0 }):start(here.fields)
      assert.are.equal("ambiguous", assertions.assert_error(err).kind)
      assert.are.equal(1, #here.posts())
      here.server:options { visibility = 0 }
      here.assert_resumed(err.conversation_id, "v1")
      assert.are.equal(1, #here.posts())
    end)

    it("is resumed by another client that knows only the id", function()
      here.server:options { visibility = 1000 }
      here.server:faults { lost }
      local _, err = here.connect({ api = "v1", retries = 0 }):start(here.fields)
      here.server:options { visibility = 0 }
      here.client:close()
      here.connect { api = "v1" }
      here.assert_resumed(err.conversation_id, "v1")
      assert.are.equal(1, #here.posts())
    end)
  end)

  describe("on an old server, which gives its own ids,", function()
    before_each(function() here.server:options { client_ids = false, old = true } end)

    it("ends with one job, found under the server's id", function()
      local conversation = assert(here.connect({ api = "v1" }):start(here.fields))
      local started = here.distinct_starts()
      assert.are.equal(1, #started)
      assert.are.equal(1, here.server:jobs())
      local done = assert(here.client:wait(conversation, { interval = 0.02, timeout = 20 }))
      assert.are.equal("finished", done.state)
      assert.are.equal(assertions.comparable_id(started[1].conversation_id),
        assertions.comparable_id(done.conversation_id))
    end)

    it("is not started twice when its answer is lost", function()
      here.server:faults { { point = "after_commit", action = "reset", match = { method = "POST" } } }
      local conversation, err = here.connect({ api = "v1" }):start(here.fields)
      assert.are.equal(1, here.server:jobs())
      if not conversation then assert.are.equal("ambiguous", assertions.assert_error(err).kind) end
    end)
  end)

  describe("that the service throttles", function()
    for _, name in ipairs { "window", "burst" } do
      for _, api in ipairs { "v0", "v1" } do
        it(("is tried again, and started once: %s, %s"):format(name, api), function()
          here.server:throttle(name, 2, { starts = true, retry_after = "soon" })
          here.assert_started(assert(here.connect({ api = api }):start(here.fields)))
          assert.are.equal(3, #here.posts())
          if api == "v1" then here.assert_one_id() end
        end)
      end
    end

    it("waits as long as the service asks", function()
      here.server:throttle("window", 1, { starts = true, retry_after = 1 })
      here.assert_started(assert(here.connect({ api = "v1" }):start(here.fields)))
      assert.is_true(here.posts()[2].time - here.posts()[1].time >= 1)
    end)

    it("fails when the service asks for a longer wait than the deadline", function()
      here.server:throttle("burst", -1, { starts = true, retry_after = 3600 })
      local conversation, err = here.connect({ api = "v1" }):start(here.fields)
      assert.is_nil(conversation)
      assert.are.same({ "throttled", 3600, true }, { err.kind, err.retry_after, err.retryable })
      assert.are.same({ 1, 0 }, { #here.posts(), here.server:jobs() })
      assertions.assert_error(err)
    end)

    it("fails after its retries", function()
      here.server:throttle("burst", -1, { starts = true, retry_after = "soon" })
      local _, err = here.connect({ api = "v0", retries = 4 }):start(here.fields)
      assert.are.equal("throttled", assertions.assert_error(err).kind)
      assert.are.same({ 5, 0 }, { #here.posts(), here.server:jobs() })
    end)
  end)

  describe("beyond a limit", function()
    local function refused(api)
      local conversation, err = here.connect({ api = api }):start(here.fields)
      assert.is_nil(conversation)
      assertions.assert_error(err)
      assert.are.same({ 1, 0 }, { #here.posts(), here.server:jobs() })
      assert.are.same({ 429, false }, { err.status, err.retryable })
      return err
    end

    for _, api in ipairs { "v0", "v1" } do
      for _, flat in ipairs { false, true } do
        it(("of concurrent conversations: %s, %s"):format(api, flat and "flat" or "nested"), function()
          here.server:throttle("concurrency", -1, { limit = 5, current = 4, flat = flat })
          local err = refused(api)
          assert.are.same({ "limit", 5, 4 }, { err.kind, err.limit, err.current })
          if math.type then assert.are.equal("integer", math.type(err.limit)) end
        end)
      end

      it("of conversations per day: " .. api, function()
        here.server:throttle("quota", -1, { reset_at = "2026-08-21T00:00:00+00:00" })
        local err = refused(api)
        assert.are.same({ "quota", "2026-08-21T00:00:00+00:00" }, { err.kind, err.reset_at })
      end)

      it("of pending messages: " .. api, function()
        here.server:faults { { point = "after_read", action = "status", status = 429, count = -1,
          body = { detail = "Too many pending messages. Maximum 10 messages per conversation." } } }
        assert.are.equal("limit", refused(api).kind)
      end)
    end

    it("that pauses other conversations: the start succeeds", function()
      here.server:options { max_concurrent = 1 }
      here.connect { api = "v1" }
      assert(here.client:start(here.fields))
      assert(here.client:start(here.fields))
      assert.are.equal(2, here.server:jobs())
    end)
  end)

  it("does not show a key that the service echoes", function()
    for _, status in ipairs { 200, 400, 401, 422, 429, 500 } do
      for _, api in ipairs { "v0", "v1" } do
        here.server:reset()
        here.server:faults { { point = "after_read", action = "status", status = status, count = -1, body = {
          detail = "the key " .. canary.key .. " is no good",
          echo = { authorization = "Bearer " .. canary.key, [canary.key] = { canary.key } },
        } } }
        local conversation, err = here.connect({ api = api, retries = 0, deadline = status == 200 and 0.1 or 20 })
          :start(here.fields)
        assert.is_nil(conversation)
        assertions.assert_error(err)
        if status ~= 200 then assert.is_not_nil(err.detail) end
        canary.assert_no_secret(here.client)
        here.client:close()
      end
    end
  end)
end)
