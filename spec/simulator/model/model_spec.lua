local json = require "openhands.simulator.encoding.json"
local service = require "spec.support.simulated_service"
local simulator = require "openhands.simulator"

local null = json.null
local own_id, nobody, header = service.own_id, service.nobody, service.header

describe("the simulator's model", function()
  local here, model = service.new(), nil
  local call, get, start, conversation = here.call, here.get, here.start, here.conversation

  local function make(options) model = here.make(options) end

  before_each(function() make() end)

  describe("limits requests", function()
    it("by the window of a user", function()
      model:throttle("window", 2, { retry_after = 0 })
      local value, response = get("/api/v1/users/me")
      assert.are.same({ 429, "Rate limit exceeded: 10 per 1 second" }, { response.status, value.error })
      assert.are.same({ "10 per 1 second", "0", ("%.0f"):format(model:now() + 1), "0" }, {
        header(response, "x-ratelimit-limit"), header(response, "x-ratelimit-remaining"),
        header(response, "x-ratelimit-reset"), header(response, "retry-after"),
      })
      assert.are.equal(429, select(2, start()).status)
      assert.are.equal(200, select(2, start()).status)
      assert.are.equal(1, model:jobs())
    end)

    it("by the burst of an address", function()
      model:throttle("burst")
      local value, response = get("/api/v1/users/me")
      assert.are.same({ 429, { message = "Too many requests" }, "1" },
        { response.status, value, header(response, "retry-after") })
      assert.are.equal(200, select(2, get("/api/v1/users/me")).status)
    end)

    it("by concurrent conversations, in both forms", function()
      model:throttle("concurrency", 1, { limit = 3 })
      model:throttle("concurrency", 1, { flat = true })
      assert.are.equal(200, select(2, get("/api/v1/users/me")).status)
      local expected = {
        error = "CONCURRENCY_LIMIT_REACHED", limit = 3, current = 3,
        message = "You have reached your limit of 3 concurrent conversations. Please close an existing conversation "
          .. "to start a new one.",
      }
      local value, response = start()
      assert.are.same({ 429, { detail = expected } }, { response.status, value })
      assert.is_nil(header(response, "retry-after"))
      assert.are.same(expected, (start()))
    end)

    it("by the daily quota", function()
      model:throttle("quota", 1)
      local value, response = start()
      assert.are.equal(429, response.status)
      assert.are.same({ code = "daily_conversation_limit_reached", limit = 10, used = 10,
        message = "Daily conversation limit of 10 reached. Request a quota increase at /settings/quota.",
        reset_at = "2026-08-21T00:00:00+00:00" }, value.detail)
    end)

    it("by pending messages", function()
      model:throttle("pending", 1)
      assert.are.equal(200, select(2, start()).status)
      local path = "/api/v1/conversations/" .. own_id .. "/pending-messages"
      assert.are.equal(429, select(2, call("POST", path, { content = { { type = "text", text = "x" } } })).status)
    end)

    it("for starts only, and for ever", function()
      model:throttle("burst", -1, { starts = true })
      for _ = 1, 3 do
        assert.are.equal(200, select(2, get("/api/v1/users/me")).status)
        assert.are.equal(429, select(2, start()).status)
      end
      assert.are.equal(0, model:jobs())
      assert.has_error(function() model:throttle("nonsense") end)
    end)

    it("by pausing the oldest running sandboxes silently", function()
      make { max_concurrent = 2 }
      local ids = {}
      for index = 1, 4 do
        ids[index] = ("%032x"):format(index)
        start(nil, { conversation_id = ids[index] })
        model:advance(20)
      end
      local seen = {}
      for index, id in ipairs(ids) do seen[index] = conversation(id).sandbox_status end
      assert.are.same({ "PAUSED", "PAUSED", "RUNNING", "RUNNING" }, seen)
      assert.are.equal(null, conversation(ids[1]).execution_status)
    end)

    it("by refusing a start until a conversation ends", function()
      make { max_concurrent = 2, limit_mode = "refuse" }
      assert.are.equal(200, select(2, start()).status)
      assert.are.equal(200, select(2, start()).status)
      local value, response = start()
      assert.are.same({ 429, 2, 2 }, { response.status, value.detail.limit, value.detail.current })
      model:advance(60)
      assert.are.equal(200, select(2, start()).status)
      assert.are.equal(3, model:jobs())
    end)
  end)

  describe("credentials", function()
    it("are required", function()
      for _, headers in ipairs { {}, { authorization = "Bearer " }, { authorization = "bearer key" },
        { authorization = "Basic key" } } do
        local value, response = get("/api/v1/users/me", headers)
        assert.are.same({ 401, { error = "NoCredentialsError" } }, { response.status, value })
      end
      for _, name in ipairs { "x-session-api-key", "x-access-token" } do
        assert.are.equal(200, select(2, get("/api/v1/users/me", { [name] = "key" })).status)
      end
    end)

    it("must be valid if keys are given, else 401 in the configured form", function()
      make { keys = { "good" } }
      assert.are.equal(200, select(2, get("/api/v1/users/me", { authorization = "Bearer good" })).status)
      for form, body in pairs {
        credentials = '{"error":"NoCredentialsError"}', bearer = '{"error":"BearerTokenError"}',
        expired = '{"error":"ExpiredError"}', auth = '{"error":"Invalid authentication token"}',
        detail = '{"detail":"Not authenticated"}', string = '"AuthenticationError"',
      } do
        model:configure { unauthorized = form }
        local _, response = get("/api/v1/users/me", { authorization = "Bearer bad" })
        assert.are.same({ 401, body }, { response.status, response.body })
      end
      -- Unknown paths require any key, not a valid one: an invalid key on an unknown path gets the web page.
      assert.are.equal(200, select(2, get("/api/v1/nowhere", { authorization = "Bearer bad" })).status)
    end)

    it("may be bound to an organization", function()
      make { organizations = { own_id } }
      local function with(organization)
        return select(2, get("/api/v1/users/me", { authorization = "Bearer k", ["x-org-id"] = organization })).status
      end
      assert.are.same({ 200, 400, 403 }, { with(own_id), with("acme"), with(nobody) })
    end)

    it("give access to the account", function()
      local value = get("/api/v1/users/me")
      assert.are.same({ "acme", null }, { value.org_name, value.sandbox_api_key })
    end)
  end)

  describe("unknown paths", function()
    local function answers(list)
      local statuses = {}
      for index, each in ipairs(list) do
        local _, response = call(each[1], each[2])
        statuses[index] = response.status .. " " .. header(response, "content-type"):match("^[^;]+")
      end
      return statuses
    end

    local requests = {
      { "GET", "/api/v1/nowhere" }, { "POST", "/api/v1/nowhere" }, { "GET", "/api/v1/app-conversations/" .. own_id },
      { "GET", "/api/v1/users/me/" }, { "GET", "/" }, { "GET", "/api/conversations/" .. own_id },
    }

    it("are the web page or 405 with the web application", function()
      make { api = "v1" }
      local page, refused = "200 text/html", "405 application/json"
      assert.are.same({ page, refused, page, page, page, page }, answers(requests))
      local value, response = call("POST", "/api/conversations", { initial_user_msg = "hi" })
      assert.are.same({ 405, { detail = "Method Not Allowed" } }, { response.status, value })
      assert.is_nil(header(response, "allow"))
      assert.are.equal(0, model:jobs())
    end)

    it("are 404, 405 or 307 without it", function()
      make { api = "v1", spa = false }
      local missing = "404 application/json"
      assert.are.same({ missing, missing, "405 application/json", "307 text/plain", missing, missing },
        answers(requests))
      assert.are.equal("PATCH, DELETE", header(select(2, get("/api/v1/app-conversations/" .. own_id)), "allow"))
      assert.are.equal("http://127.0.0.1:4711/api/v1/users/me",
        header(select(2, get("/api/v1/users/me/")), "location"))
    end)

    it("include all of V1 on a V0 server", function()
      make { api = "v0" }
      assert.are.same({ "200 text/html", "405 application/json" },
        answers { { "GET", "/api/v1/users/me" }, { "POST", "/api/v1/app-conversations" } })
      make { api = "v0", spa = false }
      assert.are.same({ "404 application/json" }, answers { { "GET", "/api/v1/users/me" } })
    end)
  end)

  describe("itself", function()
    it("is deterministic for a seed", function()
      local function transcript(seed)
        make { seed = seed }
        start()
        model:advance(70)
        return select(2, get("/api/v1/app-conversations/search")).body
      end
      assert.are.equal(transcript(1), transcript(1))
      assert.are_not.equal(transcript(1), transcript(2))
    end)

    it("logs a bounded number of requests with their bytes", function()
      make { max_requests = 10 }
      model:request { method = "GET", path = "/x", query = "a=%20", headers = { ["x-y"] = "z" }, body = "\0\255" }
      assert.are.same({ method = "GET", path = "/x", query = "a=%20", headers = { ["x-y"] = "z" }, body = "\0\255",
        time = 0 }, model.requests[1])
      for index = 1, 95 do model:request { method = "GET", path = "/" .. index } end
      assert.is_true(#model.requests <= 20)
      assert.are.equal("/95", model.requests[#model.requests].path)
    end)

    it("commits nothing if it only records", function()
      model:record { method = "POST", path = "/api/v1/app-conversations", headers = {}, body = "{}" }
      assert.are.same({ 1, 0 }, { #model.requests, model:jobs() })
    end)

    it("raises on unknown options and values", function()
      assert.has_error(function() make { paces = 1 } end)
      assert.has_error(function() make { api = "v2" } end)
      assert.has_error(function() make { outcome = "sunshine" } end)
      assert.has_error(function() make { limit_mode = "maybe" } end)
    end)
  end)

  describe("behind the transport", function()
    local transport

    local function post()
      return transport:request { method = "POST", path = "/api/v1/app-conversations", body = "{}",
        headers = { authorization = "Bearer k" } }
    end

    before_each(function() transport = simulator.transport(model) end)

    it("answers, and advances its time in sleep", function()
      assert.are.equal(200, post().status)
      transport.sleep(2.5)
      assert.are.equal(2.5, transport.now())
      assert.are.equal(model:now(), transport.wall())
    end)

    it("loses requests before the commit and responses after it", function()
      transport.faults = {
        { point = "before", class = "connect" },
        { point = "after_commit", class = "timeout", match = { method = "POST", path = "app%-conversations$" } },
      }
      assert.are.same({ class = "connect", sent = false }, post())
      assert.are.equal(0, model:jobs())
      assert.are.same({ class = "timeout", sent = true }, post())
      assert.are.equal(1, model:jobs())
      assert.are.equal(200, post().status)
    end)

    it("counts, skips, matches, and returns given responses", function()
      transport.faults = {
        { point = "before", match = { method = "GET" } },
        { point = "before", skip = 1, count = 2, response = { status = 503, headers = {}, body = "" } },
      }
      assert.are.same({ 200, 503, 503, 200 }, { post().status, post().status, post().status, post().status })
      assert.are.equal(4, #model.requests)
    end)
  end)
end)
