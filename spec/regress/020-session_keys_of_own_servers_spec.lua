-- A self-hosted server may require a session key instead of an API key. There was no way to give one.

local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"
local settings = require "openhands.settings"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

local KEY = "session-canary-77aa"
local ACCOUNT = '{"id":null,"v1_enabled":true}'
local UNAUTHORIZED = raw_server.answer('{"detail":"Unauthorized"}', nil, "401 Unauthorized")

-- A server as somebody runs it with SESSION_API_KEY.
local function self_hosted()
  return raw_server.new(function(request)
    if request.headers["x-session-api-key"] ~= KEY then
      return UNAUTHORIZED
    elseif request.target == "/api/v1/users/me" then
      return raw_server.answer(ACCOUNT)
    elseif request.target:find "/count" then
      return raw_server.answer "7"
    elseif request.method == "POST" then
      return raw_server.answer '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}'
    end
    return raw_server.answer(('{"detail":"you said %s"}'):format(KEY), nil, "400 Bad Request")
  end)
end

describe("the session key of a self-hosted server", function()
  local server, client

  before_each(function()
    server = self_hosted()
  end)

  after_each(function()
    if client then client:close() end
    server:close()
  end)

  -- In the loop in which the server runs.
  local function connect(given, other)
    given.loop = "uv"
    client = canary.client(other or server, given)
    return client
  end

  it("opens it, even without an API key", function()
    connect { session_api_key = KEY }
    assert.are.equal(7, assert(client:count()))
    assert(client:start { initial_user_msg = "x" })
    client:close()
    client = openhands.new { base_url = server.address, session_api_key = KEY, loop = "uv" }
    local before = #server.requests
    assert.are.equal(7, assert(client:count()))
    assert(client:start { initial_user_msg = "x" })
    for i = before + 1, #server.requests do
      assert.are.equal(KEY, server.requests[i].headers["x-session-api-key"])
      assert.is_nil(server.requests[i].headers.authorization)
    end
  end)

  it("is named in the error of a call without it", function()
    local _, err = connect({}):count()
    assert.are.equal("authentication", assertions.assert_error(err).kind)
    assert.is_truthy(err.message:find("session_api_key", 1, true), err.message)
    assert.is_nil(err.message:find("redacted", 1, true), err.message) -- no word of the advice is a secret
    client:close()
    client = openhands.new { base_url = server.address, loop = "uv" }
    _, err = client:count()
    assert.are.equal("authentication", err.kind)
    assert.is_truthy(err.message:find("session_api_key", 1, true), err.message)
  end)

  it("appears in no text", function()
    connect { session_api_key = KEY }
    local _, err = client:request { path = "/echo" }
    assert.are.equal("invalid", assertions.assert_error(err).kind)
    canary.assert_no_secret({ err, tostring(client), tostring(client._core), client._settings }, KEY)
  end)

  it("is sent nowhere else", function()
    local other = raw_server.new(function() return raw_server.answer '{"hello":"world"}' end)
    local service = raw_server.new(function(request)
      if request.target:find "^/api/v1/app%-conversations" then
        return raw_server.answer(('[{"id":"7f3b9a1c2d4e4f60a1b2c3d4e5f60718","sandbox_status":"RUNNING",'
          .. '"session_api_key":"another-key-1","conversation_url":"%s/api/conversations/1"}]'):format(other.address))
      end
      return raw_server.answer("", "Location: " .. other.address .. "/x\r\n", "307 Temporary Redirect")
    end)
    connect({ session_api_key = KEY, api = "v1" }, service)
    client:agent("7f3b9a1c2d4e4f60a1b2c3d4e5f60718"):server_info()
    client:me()
    assert.are.equal(1, #other.requests)
    assert.are.equal("another-key-1", other.requests[1].headers["x-session-api-key"])
    assert.is_nil(other.requests[1].head:find(KEY, 1, true))
    assert.is_truthy(service.requests[1].head:find(KEY, 1, true))
    service:close()
    other:close()
  end)

  it("is replaced by one that a call names", function()
    connect { session_api_key = KEY, api = "v1" }
    client.sandboxes:secrets("sandbox", "of-the-sandbox")
    assert.are.equal("of-the-sandbox", server.requests[1].headers["x-session-api-key"])
  end)

  it("is redacted for a transport in the same process", function()
    local seen
    client = in_process.scripted(function(request)
      seen = request.headers["x-session-api-key"]
      return in_process.json "7"
    end, { session_api_key = KEY, api = "v1" })
    assert.are.equal(7, assert(client:count()))
    assert.are.equal("********", seen)
  end)

  it("is refused with bytes that a header cannot hold, without being shown", function()
    for _, bad in ipairs { "", "a b" .. KEY, KEY .. "\n", KEY .. "\0", ("x"):rep(513) } do
      local good, message = pcall(openhands.new, { base_url = server.address, session_api_key = bad })
      assert.is_false(good)
      assert.is_truthy(message:find("session_api_key", 1, true), message)
      assert.is_nil(message:find(KEY, 1, true))
    end
  end)
end)

describe("SESSION_API_KEY in the environment", function()
  local getenv = os.getenv
  local environment

  before_each(function()
    environment = { SESSION_API_KEY = KEY }
    os.getenv = function(name) return environment[name] end -- luacheck: ignore 122
  end)

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  local places = {
    ["https://openhands.example"] = true,
    ["http://127.0.0.1:3000"] = true,
    ["https://all-hands.dev.example/"] = true,
    ["https://my-all-hands.dev"] = true,
    ["https://app.all-hands.dev"] = false,
    ["https://APP.ALL-HANDS.DEV:443/x"] = false,
    ["https://staging.all-hands.dev"] = false,
    ["https://app.all-hands.dev./"] = false,
    ["https://app.openhands.dev?x"] = false,
  }
  for address, is_used in pairs(places) do
    it(("is %s for %s"):format(is_used and "used" or "left alone", address), function()
      assert.are.equal(is_used and KEY or nil, (settings.of_client { base_url = address }).session_api_key)
    end)
  end

  it("is not used where nothing says that the service is self-hosted", function()
    assert.is_nil((settings.of_client {}).session_api_key)
    environment.OPENHANDS_BASE_URL = "https://mine.example"
    assert.are.equal(KEY, (settings.of_client {}).session_api_key)
    assert.are.equal("given", (settings.of_client { session_api_key = "given" }).session_api_key)
  end)

  it("is named in the error of a call where it is malformed", function()
    environment.SESSION_API_KEY = KEY .. "\n"
    local client = openhands.new { base_url = "http://127.0.0.1:1", api_key = "k", api = "v1" }
    local _, err = client:count()
    assert.are.equal("authentication", err.kind)
    assert.is_truthy(err.message:find("SESSION_API_KEY", 1, true))
    canary.assert_no_secret(err, KEY)
    client:close()
  end)
end)
