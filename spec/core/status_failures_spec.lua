-- A status over a real socket that fails: redirects, wrong keys, errors and timeouts; and no secret in any text.
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local simulator = require "openhands.simulator"
local status_service = require "spec.support.status_service"

describe("a status on the wire", function()
  local here

  setup(function() here = status_service.new() end)
  teardown(function() here.server:close() end)
  before_each(function() here.reset() end)
  after_each(function() here.disconnect() end)

  describe("redirected", function()
    local other

    setup(function() other = simulator.spawn { pace = 0 } end)
    teardown(function() other:close() end)

    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      it(("with %d is an error, and the other server sees nothing"):format(status), function()
        for _, api in ipairs { "v0", "v1" } do
          local conversation = here.settled(api)
          local location = other.address .. "/x"
          here.strike(api, { point = "after_read", action = "redirect", status = status, location = location })
          local answer, err = here.client:status(conversation)
          assert.is_nil(answer)
          assert.are.same({ "protocol", status }, { assertions.assert_error(err).kind, err.status })
          assert.is_truthy(err.message:find("127.0.0.1", 1, true))
          here.strike(api, { point = "after_read", action = "redirect", status = status, location = location,
            match = { method = "POST" } })
          answer, err = here.client:start(here.fields, { retries = 0 })
          assert.is_nil(answer)
          assert.are.equal(status == 303 and "ambiguous" or "protocol", assertions.assert_error(err).kind)
          here.client:close()
          here.server:reset()
        end
        here.connect()
        here.strike("v1", { point = "after_read", action = "redirect", status = status, location = other.address,
          match = { path = "users/me" } })
        local answer, err = here.client:status("a")
        assert.is_nil(answer)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        assert.are.equal(0, other:connections().accepted)
        assert.are.equal(0, #other:requests())
      end)
    end

    it("to a file or another protocol is an error too", function()
      for _, location in ipairs {
        "file:///etc/passwd", "gopher://127.0.0.1/", "//", "", "http://%%%", ("x"):rep(9000),
      } do
        local conversation = here.settled("v0")
        here.strike("v0", { action = "redirect", location = location })
        local _, err = here.client:status(conversation)
        assert.are.equal("protocol", assertions.assert_error(err).kind)
        here.client:close()
      end
    end)
  end)

  describe("for a wrong key", function()
    for _, form in ipairs { "credentials", "bearer", "expired", "auth", "detail", "string" } do
      it("is of kind authentication, in the form " .. form, function()
        here.server:options { keys = { "another" }, unauthorized = form }
        for _, api in ipairs { "auto", "v0", "v1" } do
          local answer, err = here.connect({ api = api }):status("0123456789abcdef0123456789abcdef")
          assert.is_nil(answer)
          assertions.assert_error(err)
          assert.are.same({ "authentication", 401, false }, { err.kind, err.status, err.retryable })
          here.client:close()
        end
        assert.are.equal(3, #here.server:requests())
      end)
    end
  end)

  describe("that fails", function()
    it("is sent three times, and succeeds at the third", function()
      for _, api in ipairs { "v0", "v1" } do
        local conversation = here.settled(api)
        local before = #here.requests(here.paths[api])
        here.strike(api, { action = "status", status = 503, count = 2 })
        assert(here.client:status(conversation))
        assert.are.equal(3, #here.requests(here.paths[api]) - before)
        here.client:close()
        here.server:reset()
      end
    end)

    it("is sent as often as the call says", function()
      local conversation = here.settled("v0")
      for _, retries in ipairs { 0, 1, 5 } do
        local before = #here.requests(here.paths.v0)
        here.strike("v0", { action = "status", status = 500 })
        local _, err = here.client:status(conversation, { retries = retries })
        assert.are.same({ "server", true }, { assertions.assert_error(err).kind, err.retryable })
        assert.are.equal(retries + 1, #here.requests(here.paths.v0) - before)
      end
    end)

    it("waits as long as the service asks", function()
      local conversation = here.settled("v0")
      here.strike("v0", { action = "status", status = 503, headers = { ["Retry-After"] = "0" }, count = 1 })
      assert(here.client:status(conversation))
      local list = here.requests(here.paths.v0)
      assert.are.equal(2, #list)
      assert.is_true(list[2].time - list[1].time >= 1) -- zero is taken for one
    end)

    it("is not repeated when the service asks for too long a wait", function()
      local wishes = { ["121"] = 121, ["99999999999999"] = 1e9, ["Fri, 31 Dec 2100 23:59:59 GMT"] = 1e9 }
      for text, seconds in pairs(wishes) do
        local conversation = here.settled("v0")
        local before = #here.requests(here.paths.v0)
        here.strike("v0", { action = "status", status = 429, body = {}, headers = { ["Retry-After"] = text } })
        local _, err = here.client:status(conversation)
        assert.are.equal("throttled", assertions.assert_error(err).kind)
        assert.are.equal(1, #here.requests(here.paths.v0) - before)
        assert.are.equal(seconds, err.retry_after)
        here.client:close()
      end
    end)

    it("ignores an unreadable Retry-After", function()
      local conversation = here.settled("v0")
      for _, text in ipairs {
        "-5", "1e9", "0x10", "soon", "1.5", "1 2", ("9"):rep(300), "Mon, 99 Foo 2026 99:99:99 GMT",
      } do
        here.strike("v0", { action = "status", status = 503, headers = { ["Retry-After"] = text }, count = 1 })
        local answer, err = here.client:status(conversation)
        assert.is_true(answer ~= nil or err.retry_after ~= nil)
      end
    end)

    it("ends in time when the server sends nothing, or single bytes", function()
      local conversation = here.settled("v0")
      here.strike("v0", { action = "hang" })
      local _, err = here.client:status(conversation, { timeout = 0.05, retries = 1 })
      assert.are.same({ "timeout", true }, { assertions.assert_error(err).kind, err.retryable })
      here.strike("v0", { action = "drip", seconds = 0.01 })
      _, err = here.client:status(conversation, { timeout = 10, deadline = 0.05 })
      assert.are.equal("timeout", assertions.assert_error(err).kind)
    end)

    it("without a server is of kind connect", function()
      local conversation = here.settled("v0")
      here.server:refuse()
      local _, err = here.client:status(conversation)
      assert.are.same({ "connect", true }, { assertions.assert_error(err).kind, err.retryable })
      here.server:refuse(false)
      assert(here.client:status(conversation))
    end)

    it("survives a connection that was closed while it was idle", function()
      local conversation = here.settled("v0")
      here.strike("v0", { action = "split", ending = "reset", count = 1 })
      assert(here.client:status(conversation, { retries = 0 }))
      assert(here.client:status(conversation, { retries = 1 }))
    end)
  end)

  describe("with secrets in it", function()
    local function shows_nothing(api, fault, secret)
      local conversation = here.settled(api, { retries = 0 })
      here.strike(api, fault)
      local answer, err = here.client:status(conversation)
      assert.is_nil(answer)
      assertions.assert_error(err)
      canary.assert_no_secret(err, secret)
      canary.assert_no_secret(here.client, secret)
      here.client:close()
      here.server:reset()
      return err
    end

    it("shows the key in none of the forms in which a server may echo it", function()
      local hex = canary.key:gsub(".", function(byte) return ("%%%02x"):format(byte:byte()) end)
      local escaped = canary.key:gsub("%l", function(byte) return ("\\u%04x"):format(byte:byte()) end, 3)
      for _, echo in ipairs { canary.key, "Bearer " .. canary.key, hex, "?key=" .. canary.key .. "&x", escaped } do
        for _, status in ipairs { 200, 400, 401, 403, 404, 422, 429, 500, 503 } do
          for _, api in ipairs { "v0", "v1" } do
            shows_nothing(api, { action = "status", status = status, body = ('{"detail":"no: %s"}'):format(echo) })
            shows_nothing(api, { action = "status", status = status, body = "<p>" .. echo .. "</p>" })
            shows_nothing(api, { action = "status", status = status, body = "text " .. echo })
          end
        end
      end
    end)

    it("shows no key in a status line, a header or an address", function()
      shows_nothing("v0", { action = "raw", bytes = "HTTP/1.1 999 " .. canary.key .. "\r\n\r\n" })
      shows_nothing("v0", { action = "raw", bytes = canary.key .. "\r\n\r\n" })
      shows_nothing("v0", { action = "redirect", location = "http://" .. canary.key .. ".example.com/" .. canary.key })
      shows_nothing("v0", { action = "status", status = 503, headers = { ["Retry-After"] = canary.key } })
    end)

    it("shows no session key and no token of an error", function()
      local secret = "session-canary-77"
      for _, echo in ipairs {
        { session_api_key = secret }, { sandbox = { session_api_key = secret } },
        { url = "https://host/?tkn=" .. secret .. "&folder=x" }, { secrets = { TOKEN = secret } },
        { headers = "Authorization: Bearer " .. secret },
      } do
        local err = shows_nothing("v1", { action = "status", status = 409, body = { detail = echo } }, secret)
        assert.are.equal("table", type(err.detail))
      end
    end)

    it("shows the session key of a running conversation in no text, and keeps it for the program", function()
      here.server:options { pace = 0.001, outcome = "waiting" }
      local conversation = here.settled("v1")
      conversation = assert(here.client:wait(conversation, { interval = 0.005, timeout = 20 }))
      assert.is_string(conversation.session_api_key)
      assert.is_nil(tostring(conversation):find(conversation.session_api_key, 1, true))
      canary.assert_no_secret({}, conversation.session_api_key)
    end)

    it("shows no key that is part of a title", function()
      local conversation = here.settled("v0")
      here.strike("v0", { action = "type", field = "title", value = "about " .. canary.key })
      assert.is_nil(tostring(assert(here.client:status(conversation))):find(canary.key, 1, true))
    end)
  end)
end)
