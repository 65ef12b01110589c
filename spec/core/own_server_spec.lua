-- A conversation's own server beside the service: each gets its own credentials, and nothing of the other's.

local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"
local canary = require "spec.support.canary"

local ID = "01234567-89ab-cdef-0123-456789abcdef"
local SESSION = "session-canary-91b0"

describe("a conversation's own server", function()
  local service, runtime, client
  local answers

  before_each(function()
    answers = {}
    local function serve(name)
      return raw_server.new(function() return answers[name] or raw_server.answer '{"id":"x"}' end)
    end
    service, runtime = serve "service", serve "runtime"
    client = core.new { base_url = service.address, api_key = canary.key, organization = "an-organization" }
  end)

  after_each(function()
    client:close()
    service:close()
    runtime:close()
  end)

  local function options(more)
    local all = { api = "agent", server = runtime.address, session_api_key = SESSION, timeout = 20 }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function info(more) return raw_server.await(client, assert(core.info(client, ID, options(more)))) end

  local function me() return raw_server.await(client, assert(core.me(client, nil, { api = "v1", timeout = 20 }))) end

  -- Fails if one server has heard what is the other's.
  local function assert_apart()
    for _, request in ipairs(service.requests) do
      assert.is_nil((request.head .. request.body):find(SESSION, 1, true))
      assert.is_nil(request.headers["x-session-api-key"])
      assert.equal("Bearer " .. canary.key, request.headers.authorization)
    end
    for _, request in ipairs(runtime.requests) do
      assert.is_nil((request.head .. request.body):find(canary.key, 1, true))
      assert.is_nil(request.headers.authorization)
      assert.is_nil(request.headers["x-org-id"])
      assert.is_nil(request.head:lower():find("an-organization", 1, true))
      assert.equal(SESSION, request.headers["x-session-api-key"])
    end
  end

  it("is sent requests in its own name, at its own path", function()
    assert.same({ id = "x" }, info())
    assert.equal("/api/conversations/" .. ID, runtime.requests[1].target)
    assert.equal("127.0.0.1:" .. runtime.port, runtime.requests[1].headers.host)
    info { server = runtime.address .. "/runtime/abc/" }
    assert.equal("/runtime/abc/api/conversations/" .. ID, runtime.requests[2].target)
    assert.equal(0, #service.requests)
    assert_apart()
  end)

  it("shares nothing with the service, whatever the order of requests", function()
    for _ = 1, 5 do
      me()
      info()
      me()
      raw_server.await(client, core.send(client, { conversation_id = ID, content = "x" }, options()))
      me()
      local there = { server = runtime.address, session_api_key = SESSION }
      raw_server.await(client, core.request(client, { path = "/x" }, there))
    end
    assert.equal(15, #service.requests)
    assert.equal(15, #runtime.requests)
    for i = 2, 15 do assert.equal(service.requests[1].head, service.requests[i].head) end
    assert_apart()
  end)

  it("shares nothing with the service at the same address", function()
    info { server = service.address }
    assert.is_nil(service.requests[1].headers.authorization)
    assert.equal(SESSION, service.requests[1].headers["x-session-api-key"])
    me()
    assert.equal("Bearer " .. canary.key, service.requests[2].headers.authorization)
    assert.is_nil(service.requests[2].headers["x-session-api-key"])
    info { server = service.address }
    assert.equal(service.requests[1].head, service.requests[3].head)
  end)

  it("shares nothing with the server of another conversation", function()
    info()
    info { session_api_key = "session-other-44a7" }
    info()
    local keys = {}
    for i, request in ipairs(runtime.requests) do keys[i] = request.headers["x-session-api-key"] end
    assert.same({ SESSION, "session-other-44a7", SESSION }, keys)
  end)

  it("shares nothing while all requests are in flight at once", function()
    local numbers = {}
    for _ = 1, 20 do
      numbers[assert(core.me(client, nil, { api = "v1", timeout = 20 }))] = true
      numbers[assert(core.info(client, ID, options()))] = true
    end
    raw_server.turn(client, function() return client:in_flight() == 0 end)
    for _ = 1, 40 do
      local number, value, err = client:next()
      assert.is_true(numbers[number])
      assert.is_table(value, err and err.reason)
      numbers[number] = nil
    end
    assert.equal(20, #service.requests)
    assert.equal(20, #runtime.requests)
    assert_apart()
  end)

  it("does not get the account's key where that is given for one call", function()
    info { api_key = "another-key-of-the-account", organization = "another-organization" }
    local head = runtime.requests[1].head
    assert.is_nil(head:find("another-", 1, true))
    assert_apart()
  end)

  it("and the service cannot get each other's keys by a redirect", function()
    for _, status in ipairs { "301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent" } do
      answers.service = raw_server.answer("", "Location: " .. runtime.address .. "/x\r\n", status)
      answers.runtime = raw_server.answer("", "Location: " .. service.address .. "/x\r\n", status)
      local value, err = me()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.equal("127.0.0.1", err.redirect_host)
      value, err = info()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      value, err = raw_server.await(client, core.send(client, { conversation_id = ID, content = "x" }, options()))
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end
    assert.equal(5, #service.requests)
    assert.equal(10, #runtime.requests)
    assert_apart()
  end)

  it("is named in an error, without any key", function()
    answers.runtime = raw_server.answer(('{"detail":"%s, %s, %s"}'):format(SESSION, canary.key, "words"), nil, "401 No")
    local value, err = info()
    assert.is_nil(value)
    assert.equal("authentication", err.kind)
    assert.equal(runtime.address, err.server)
    assert.matches("words", err.detail.detail)
    canary.assert_no_secret(err)
    canary.assert_no_secret(err, SESSION)
    local _, odd = info { server = runtime.address .. "/" .. SESSION .. "/" .. canary.key }
    canary.assert_no_secret(odd)
    canary.assert_no_secret(odd, SESSION)
    canary.assert_no_secret(tostring(client), SESSION)
  end)

  it("is redacted in the host of a redirect, too", function()
    answers.runtime = raw_server.answer("", ("Location: https://%s.example/\r\n"):format(SESSION), "302 Found")
    local _, err = info()
    canary.assert_no_secret(err, SESSION)
    assert.is_string(err.redirect_host)
  end)

  it("that is gone is an error of its own kind, and a read may be repeated", function()
    runtime:close()
    local value, err = info()
    assert.is_nil(value)
    assert.equal("connect", err.kind)
    assert.is_true(err.retryable)
    canary.assert_no_secret(err, SESSION)
  end)

  describe("with an address or a key that cannot be used", function()
    -- Nothing is raised: the caller has not made these up.
    local function refused(more)
      local number, err = core.info(client, ID, options(more))
      assert.is_nil(number)
      assert.equal("protocol", err.kind)
      assert.equal("info", err.operation)
      assert.equal("agent", err.api)
      assert.equal("none", err.effect)
      assert.is_false(err.retryable)
      assert.equal(0, client:in_flight())
      canary.assert_no_secret(err)
      canary.assert_no_secret(err, SESSION)
      assert.equal(0, #runtime.requests + #service.requests)
      return err.reason
    end

    it("is refused if the address is no URL", function()
      for _, server in ipairs {
        "", " ", "x", "/x", "//", "http:", "https://", "https://a b/", "https://a\r\nX-Evil: 1/",
        "https://[::1", "https://host:99999999/", "https://host:x/", "https://host\0.evil/", "\255",
        "https://a%2fb", "https://" .. ("x"):rep(9000000),
      } do
        assert.matches("address of the conversation's server", refused { server = server })
      end
    end)

    it("is refused without TLS, except on this machine", function()
      for _, server in ipairs {
        "http://runtime.example", "http://127.0.0.1.example", "http://localhost.example:8000", "http://10.0.0.1",
        "http://[::2]", "http://0.0.0.0", "HTTP://runtime.example", "http://runtime.example:443",
      } do
        assert.matches("https://", refused { server = server })
      end
      for _, server in ipairs { "ftp://127.0.0.1", "file:///etc/passwd", "ws://127.0.0.1", "javascript:1" } do
        refused { server = server }
      end
    end)

    it("is refused if the URL has more than an address", function()
      local address = runtime.address:gsub("http://", "")
      assert.matches("user name", refused { server = "http://user:word@" .. address })
      assert.matches("user name", refused { server = "http://user@" .. address })
      assert.matches("query", refused { server = runtime.address .. "?tkn=" .. SESSION })
      assert.matches("query", refused { server = runtime.address .. "/#x" })
    end)

    it("is refused if the key is missing or cannot be sent", function()
      for _, key in ipairs {
        "", " ", "a b", "a\r\nX-Evil: 1", "a\0b", "ä", "\127", ("x"):rep(513), SESSION .. "\n",
      } do
        assert.matches("session key .* cannot be used", refused { session_api_key = key })
      end
      local number, err = core.info(client, ID, { api = "agent", server = runtime.address })
      assert.is_nil(number)
      assert.equal("protocol", err.kind)
    end)

    it("is refused for a request of the caller's own, too", function()
      local number, err = core.request(client, { path = "/x" }, { server = "x", session_api_key = SESSION })
      assert.is_nil(number)
      assert.equal("protocol", err.kind)
      assert.equal("request", err.operation)
      number, err = core.request(client, { path = "/x" }, { server = runtime.address })
      assert.is_nil(number)
      assert.equal("protocol", err.kind)
    end)
  end)

  it("is a mistake of the caller's where it is missing, or not allowed", function()
    local function raises(pattern, operate, ...)
      local good, message = pcall(operate, client, ...)
      assert.is_false(good)
      assert.matches(pattern, message)
      assert.equal(0, client:in_flight())
    end
    raises("info: needs a server", core.info, ID, { api = "agent" })
    raises("session_api_key needs the server", core.info, ID, { api = "agent", session_api_key = SESSION })
    raises("session_api_key needs the server", core.me, nil, { api = "v1", session_api_key = SESSION })
    raises("me: is served by the service alone", core.me, nil, options { api = "v1" })
    raises("served by the service alone", core["shared.get"], ID, options { api = "v1" })
    raises("server must be a string", core.info, ID, options { server = 7 })
    raises("session_api_key must be a string", core.info, ID, options { session_api_key = true })
    local number, err = core.info(client, ID, options { api = "v1" })
    assert.is_nil(number)
    assert.equal("unsupported", err.kind)
  end)

  it("needs no key of the account", function()
    local anonymous = core.new { base_url = service.address }
    assert.same({ id = "x" }, (raw_server.await(anonymous, core.info(anonymous, ID, options()))))
    assert.same({}, (raw_server.await(anonymous, (function()
      answers.service = raw_server.answer "[]"
      return core["shared.get"](anonymous, ID, { api = "v1" })
    end)())))
    assert.is_nil(service.requests[1].headers.authorization)
    local good, message = pcall(core.me, anonymous, nil, { api = "v1" })
    assert.is_false(good)
    assert.matches("there is no api_key", message)
    anonymous:close()
  end)

  it("serves V0's operations as well as the service does", function()
    answers.runtime, answers.service = raw_server.answer "[]", raw_server.answer "[]"
    local v0 = { api = "v0", timeout = 20 }
    raw_server.await(client, core.files(client, "abc", v0))
    raw_server.await(client, core.files(client, "abc", options(v0)))
    assert.equal("/api/conversations/abc/list-files", service.requests[1].target)
    assert.equal("/api/conversations/abc/list-files", runtime.requests[1].target)
    assert_apart()
  end)

  it("is not on this machine where the service is not", function()
    local distant = core.new { base_url = "https://service.example", api_key = canary.key }
    local number, err = core.info(distant, ID, options())
    assert.is_nil(number)
    assert.equal("protocol", err.kind)
    assert.matches("is not encrypted", err.reason)
    assert.equal(0, #runtime.requests)
    distant:close()
  end)
end)
