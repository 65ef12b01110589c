-- Some failures were reported with a wrong reason: a broken compressed body, a proxy that requires a password, a file
-- of authorities without any authority, a path that is too long.

local openhands = require "openhands"
local peer = require "spec.support.raw_server"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local files = require "spec.support.files"

local id = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"

describe("a reason", function()
  local server, client

  local function connect(answer, settings)
    server = peer.new(answer)
    local all = {
      base_url = server.address, api_key = canary.key, api = "v1", loop = "uv", random = function() return 0.001 end,
    }
    for name, value in pairs(settings or {}) do all[name] = value end
    client = openhands.new(all)
  end

  after_each(function()
    client:close()
    server:close()
  end)

  describe("of a failure with a compressed body", function()
    local json = "Content-Type: application/json\r\n"

    local function read(coding, body, status)
      connect(function() return peer.answer(body, json .. "Content-Encoding: " .. coding .. "\r\n", status) end)
      local value, err = client:status(id)
      assert.is_nil(value)
      return assertions.assert_error(err)
    end

    for name, sent in pairs {
      ["that is broken"] = { "gzip", "\31\139\8\0\0\0\0\0\0\3garbage" },
      ["that is none"] = { "gzip", '{"a":1}' },
      ["of an unknown coding"] = { "rot13", '{"n":1}' },
    } do
      it(name .. " is named", function()
        local err = read(sent[1], sent[2])
        assert.are.equal("protocol", err.kind)
        assert.matches("its body is compressed %(Content%-Encoding%), and cannot be decompressed", err.message)
      end)
    end

    it("that is cut is named", function()
      local err = read("gzip", "\31\139\8\0\0\0\0\0\0\3")
      assert.are.equal("protocol", err.kind)
      assert.matches("its body was compressed %(Content%-Encoding%)", err.message)
    end)

    it("that is broken does not hide the status", function()
      for status, kind in pairs { ["503 x"] = "server", ["401 x"] = "authentication", ["422 x"] = "invalid" } do
        assert.are.equal(kind, read("gzip", "broken", status).kind)
        client:close()
        server:close()
      end
      connect ""
    end)
  end)

  describe("of a failure at the proxy", function()
    local refusal = "HTTP/1.1 %s x\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"

    local function ask(status, operate)
      connect(refusal:format(status))
      local proxy = server.address:gsub("//", "//user:p4ss-word-5521@")
      client:close()
      client = openhands.new {
        base_url = "https://openhands.invalid", proxy = proxy, api = "v1", api_key = canary.key, loop = "uv",
        random = function() return 0.001 end,
      }
      local value, err = operate()
      assert.is_nil(value)
      canary.assert_no_secret(err, "p4ss-word-5521")
      return assertions.assert_error(err)
    end

    it("that wants another password is named, and the same password is not sent twice", function()
      for _, operate in ipairs {
        function() return client:status(id) end,
        function() return client:start { initial_user_msg = "x" } end,
        function() return client:wait(id, { interval = 0.01, timeout = 20 }) end,
        function() return client:request { path = "/api/x" } end,
      } do
        local err = ask(407, operate)
        assert.are.same({ "connect", false, "none" }, { err.kind, err.retryable, err.effect })
        assert.matches("the proxy 127.0.0.1:" .. server.port .. " requires a user name and a password", err.message)
        assert.are.equal(1, #server.requests)
        client:close()
        server:close()
      end
      connect ""
    end)

    it("that makes no connection is named, and asked again", function()
      local err = ask(503, function() return client:status(id) end)
      assert.are.same({ "connect", true }, { err.kind, err.retryable })
      assert.matches("the proxy 127.0.0.1:" .. server.port .. " refused to connect %(HTTP status 503%)", err.message)
      assert.are.equal(3, #server.requests)
    end)
  end)

  it("of a failure with a file of authorities names it and where the setting may come from", function()
    local directory, remove = files.directory()
    files.write(directory .. "/text.pem", "no certificate\n")
    for _, name in ipairs { "missing.pem", "text.pem" } do
      connect("", { ca_file = directory .. "/" .. name })
      client:close()
      client = openhands.new {
        base_url = server.address:gsub("http", "https"), api = "v1", api_key = canary.key, loop = "uv",
        ca_file = directory .. "/" .. name,
      }
      local value, err = client:status(id)
      assert.is_nil(value)
      assert.are.equal("tls", assertions.assert_error(err).kind)
      local named = "no certificate can be read from " .. directory .. "/" .. name
      assert.is_truthy(err.message:find(named, 1, true), err.message)
      assert.matches("SSL_CERT_FILE", err.message)
      client:close()
      server:close()
    end
    remove()
    connect ""
  end)

  it("of a failure with a long path or query is its length, and the longest allowed is sent", function()
    connect(function(request) return peer.answer(('{"length":%d}'):format(#request.target)) end)
    for _, request in ipairs {
      { path = "/" .. ("a"):rep(65535) },
      { path = "/a", query = { q = ("a"):rep(65534) } },
    } do
      assert.is_true(assert(client:request(request)).length >= 65536)
    end
    for _, request in ipairs {
      { path = "/" .. ("a"):rep(65536) },
      { path = "/" .. ("%"):rep(30000) },
      { path = "/a", query = { q = ("a"):rep(65535) } },
      { path = "/a", query = { a = ("a"):rep(40000), b = ("b"):rep(40000) } },
    } do
      local good, problem = pcall(client.request, client, request)
      assert.is_false(good)
      assert.matches("is too long", tostring(problem))
      assert.matches("65536", tostring(problem))
    end
    assert.are.equal(2, #server.requests)
  end)
end)
