-- A request that no operation describes: sent as it is meant, refused where it could mean something else.

local cjson = require "cjson"
local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"
local canary = require "spec.support.canary"

local function new(options)
  local all = { base_url = "https://service.example/base", api_key = canary.key, external = true }
  for name, value in pairs(options or {}) do all[name] = value end
  return core.new(all)
end

-- What a request puts on the wire.
local function sent(request, options)
  local client = new()
  assert(core.request(client, request, options or {}))
  local _, outgoing = client:outgoing()
  client:close()
  return outgoing
end

local function raises(pattern, request, options)
  local client = new()
  local good, message = pcall(core.request, client, request, options or {})
  assert.is_false(good)
  assert.matches(pattern, message)
  assert.is_nil((client:outgoing()))
  assert.equal(0, client:in_flight())
  client:close()
end

local function received(answer, request)
  local client = new()
  local number = assert(core.request(client, request or { path = "/x" }, {}))
  client:outgoing()
  client:answer(number, answer)
  local finished, value, err = client:next()
  assert.equal(number, finished)
  client:close()
  return value, err
end

describe("a request", function()
  it("is a GET of its path", function()
    local request = sent { path = "/api/v1/users/me" }
    assert.same({
      method = "GET", path = "/base/api/v1/users/me", query = "", body = "",
      headers = { authorization = "Bearer ********" },
    }, request)
  end)

  it("has its path encoded segment by segment, once", function()
    for path, expected in pairs {
      ["/"] = "/",
      ["//"] = "//",
      ["/a//b/"] = "/a//b/",
      ["/a b/ü"] = "/a%20b/%C3%BC",
      ["/a%2Fb"] = "/a%252Fb",
      ["/%2e%2e/x"] = "/%252e%252e/x",
      ["/a=b&c;d,e:f@g+h"] = "/a%3Db%26c%3Bd%2Ce%3Af%40g%2Bh",
      ["/a-b_c.d~e"] = "/a-b_c.d~e",
      ["/.../.a/a./..b"] = "/.../.a/a./..b",
      ["/a\r\nX-Evil: 1"] = "/a%0D%0AX-Evil%3A%201",
      ["/\\..\\x"] = "/%5C..%5Cx",
      ["/\255\127\1"] = "/%FF%7F%01",
    } do
      assert.equal("/base" .. expected, sent { path = path }.path)
    end
  end)

  it("cannot leave its path", function()
    for _, path in ipairs { "/..", "/.", "/../x", "/a/..", "/a/../b", "/a/./b", "/a/.", "//../" } do
      raises("request: 'path' must not contain %. or %.%. as a segment", { path = path })
    end
    for _, path in ipairs { "", "x", "https://evil.example/", "?", "\0/", "/a\0b", "/\0" } do
      raises("request: 'path' must begin with / and contain no NUL byte", { path = path })
    end
    for _, path in ipairs { "/x?a=1", "/x#y", "/?", "/#" } do
      raises("request: 'path' must not contain %? or #; parameters go into 'query'", { path = path })
    end
    for _, path in ipairs { 7, true, {}, print } do raises("request: 'path' must be a string", { path = path }) end
    raises("request: 'path' must be a string", {})
  end)

  it("has parameters of every type", function()
    local function query(value) return sent({ path = "/", query = { name = value } }).query end
    assert.equal("name=x", query "x")
    assert.equal("name=", query "")
    assert.equal("name=%00%26%3D%23%3F%2B%20%25%C3%BC%FF", query "\0&=#?+ %ü\255")
    assert.equal("name=7", query(7))
    assert.equal("name=-7", query(-7))
    assert.equal("name=0", query(-0.0))
    assert.equal("name=9007199254740992", query(2 ^ 53))
    assert.equal("name=true", query(true))
    assert.equal("name=false", query(false))
    assert.equal("name=a&name=1&name=false", query { "a", 1, false })
    assert.equal("", query {})
    assert.equal("", sent({ path = "/", query = {} }).query)
    local parts = {}
    for part in sent({ path = "/", query = { ["a.b-C_9"] = 1, z = 2 } }).query:gmatch "[^&]+" do
      parts[#parts + 1] = part
    end
    table.sort(parts)
    assert.same({ "a.b-C_9=1", "z=2" }, parts)
  end)

  it("refuses invalid parameters", function()
    local function refused(pattern, query) raises("request: 'query" .. pattern, { path = "/", query = query }) end
    refused("' must be a table, not a string", "a=1")
    refused("' must be a table, not a boolean", false)
    for _, name in ipairs { "", "a b", "a=b", "a&b", "ü", "a\0b", "a[]", "a\n" } do
      refused("' has a key that is not a parameter name", { [name] = 1 })
    end
    refused("' has a key that is not a parameter name", { "x" })
    refused("' has a key that is not a parameter name", { [true] = "x" })
    refused("%.a' is not an integer", { a = 0.5 })
    refused("%.a' is not an integer", { a = 0 / 0 })
    refused("%.a' is not an integer", { a = 1 / 0 })
    refused("%.a' must be a string", { a = print })
    refused("%.a' must be a string", { a = core.null })
    refused("%.a%[2%]' must be a string", { a = { "x", {} } })
    refused("%.a' must be a list", { a = { b = 1 } })
    refused("%.a' is a list with holes", { a = { 1, nil, 3 } })
    refused("%.a' has a metatable", { a = setmetatable({}, {}) })
    refused("%.a' is too long", { a = ("x"):rep(33554432) })
  end)

  it("has a body of what JSON can hold", function()
    local function body(value)
      local request = sent { method = "POST", path = "/", body = value }
      assert.equal("application/json", request.headers["content-type"])
      return request.body
    end
    assert.same({ a = { 1, { b = false } } }, cjson.decode(body { a = { 1, { b = false } } }))
    assert.equal("{}", body {})
    assert.equal("[]", body(core.array {}))
    assert.equal("[1,2]", body { 1, 2 })
    assert.equal('"x"', body "x")
    assert.equal("7", body(7))
    assert.equal("false", body(false))
    assert.equal("null", body(core.null))
    local request = sent { method = "POST", path = "/" }
    assert.equal("", request.body)
    assert.is_nil(request.headers["content-type"])
  end)

  it("refuses a body that JSON cannot hold, or that has no place", function()
    local function refused(pattern, value, method)
      raises("request: 'body" .. pattern, { method = method or "POST", path = "/", body = value })
    end
    refused("%.a%[1%]' is a function", { a = { print } })
    refused("%.a' is not a finite number", { a = 0 / 0 })
    refused("' is not UTF%-8", "\255")
    refused("' has a metatable", setmetatable({}, {}))
    local cycle = {}
    cycle.again = cycle
    refused("%.again' contains itself", cycle)
    refused("' cannot be sent with GET", {}, "GET")
    refused("' cannot be sent with DELETE", {}, "DELETE")
    refused("' makes the path, query or body larger", ("x"):rep(33554432))
  end)

  it("has one of five methods", function()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(method, sent({ method = method, path = "/" }).method)
    end
    for _, method in ipairs { "get", "HEAD", "OPTIONS", "TRACE", "CONNECT", "", "GET\r\nX: 1", "GET " } do
      raises("request: 'method' must be GET, POST, PUT, PATCH or DELETE", { method = method, path = "/" })
    end
    raises("request: 'method' must be a string", { method = 7, path = "/" })
  end)

  it("has no other field, and no other option", function()
    raises("request: 'headers' is not a field", { path = "/", headers = {} })
    raises("request: '%(not a string%)' is not a field", { "/" })
    raises("unknown option 'header'", { path = "/" }, { header = "x" })
    raises("does not answer a file", { path = "/" }, { download = "/nowhere/x" })
    local client = new()
    for _, wrong in ipairs { "x", 7, true } do
      assert.is_false((pcall(core.request, client, wrong, {})))
      assert.is_false((pcall(core.request, client, { path = "/" }, wrong)))
    end
    assert.is_false((pcall(core.request, client, { path = "/" })))
    client:close()
  end)

  it("goes to a conversation's own server with that one's key", function()
    local options = { server = "https://runtime.example/x/", session_api_key = "session-canary" }
    assert.same({
      method = "GET", path = "/x/alive", query = "", body = "", headers = { ["x-session-api-key"] = "session-canary" },
    }, sent({ path = "/alive" }, options))
    raises("session_api_key needs the server", { path = "/" }, { session_api_key = "x" })
  end)

  describe("is answered with", function()
    it("the value of JSON", function()
      local function value(body, content_type)
        return (received { status = 200, body = body, content_type = content_type or "application/json" })
      end
      assert.same({ a = 1 }, value '{"a":1,"b":null}')
      assert.same({ 1, "x" }, value '[1,"x"]')
      assert.equal("x", value '"x"')
      assert.equal(17, value "17")
      assert.is_false(value "false")
      assert.equal(core.null, value "null")
      assert.same({ a = 1 }, value('{"a":1}', "Application/JSON; charset=utf-8"))
      assert.same({ a = 1 }, value('{"a":1}', "application/problem+json"))
    end)

    it("text where it is not JSON", function()
      for _, content_type in ipairs { "text/plain", "application/jsonl", "application/json-seq", "text/xml", "" } do
        for _, body in ipairs { "words", '{"a":1}', "\0\255", "", "<a/>" } do
          assert.equal(body, (received { status = 200, body = body, content_type = content_type }))
        end
      end
      assert.equal("", (received { status = 204 }))
      assert.equal("", (received { status = 202 }))
    end)

    it("an error where it is HTML, or invalid JSON", function()
      for _, answer in ipairs {
        { status = 200, body = "<html>", content_type = "text/html" },
        { status = 200, body = "", content_type = "text/html; charset=utf-8" },
        { status = 200, body = "<html>", content_type = "application/json" },
        { status = 200, body = "{", content_type = "application/json" },
        { status = 200, body = "", content_type = "application/json" },
        { status = 302, body = "", content_type = "application/json" },
      } do
        local value, err = received(answer)
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.equal("request", err.operation)
      end
    end)

    it("an error by its status", function()
      local kinds = { [401] = "authentication", [404] = "not_found", [429] = "throttled", [500] = "server" }
      for status, kind in pairs(kinds) do
        local value, err = received { status = status, body = '{"detail":"x"}', content_type = "application/json" }
        assert.is_nil(value)
        assert.equal(kind, err.kind)
        assert.same({ detail = "x" }, err.detail)
      end
    end)

    it("whether it may be repeated", function()
      for method, repeatable in pairs { GET = true, POST = false, PUT = false, PATCH = false, DELETE = false } do
        local _, err = received({ transport = "cut" }, { method = method, path = "/" })
        assert.equal(repeatable, err.retryable, method)
        assert.not_equal("none", err.effect)
      end
    end)
  end)

  describe("on the wire", function()
    local server, client, answer

    before_each(function()
      answer = nil
      server = raw_server.new(function(_, connection)
        if answer then return answer end
        connection:close()
      end)
      client = core.new { base_url = server.address .. "/base", api_key = canary.key }
    end)
    after_each(function()
      client:close()
      server:close()
    end)

    local function ask(request, options)
      return raw_server.await(client, core.request(client, request, options or {}))
    end

    it("is sent as it was given", function()
      answer = raw_server.answer '{"a":[1]}'
      assert.same({ a = { 1 } }, (ask { method = "PUT", path = "/a b/%2e%2e", query = { q = "ü" }, body = { x = 1 } }))
      local request = server.requests[1]
      assert.equal("/base/a%20b/%252e%252e?q=%c3%bc", request.target:lower())
      assert.equal("PUT", request.method)
      assert.equal('{"x":1}', request.body)
      assert.equal("application/json", request.headers["content-type"])
      assert.equal("7", request.headers["content-length"])
      assert.equal("*/*", request.headers.accept)
      assert.is_nil(request.headers.expect)
    end)

    it("goes below any path of the base URL, whose letters outside ASCII are encoded", function()
      local other = core.new { base_url = server.address .. "/ü/%2f/", api_key = canary.key }
      answer = raw_server.answer "1"
      assert.equal(1, (raw_server.await(other, core.request(other, { path = "/x" }, {}))))
      assert.equal("/%c3%bc/%2f/x", server.requests[1].target:lower())
      other:close()
    end)

    it("has a length of 0 where it has no body", function()
      answer = raw_server.answer ""
      for _, method in ipairs { "POST", "PUT", "PATCH" } do
        ask { method = method, path = "/" }
        local request = server.requests[#server.requests]
        assert.equal(method, request.method)
        assert.equal("0", request.headers["content-length"])
        assert.is_nil(request.headers["content-type"])
      end
      ask { method = "DELETE", path = "/" }
      assert.is_nil(server.requests[4].headers["content-length"])
    end)

    it("sends a large body in one piece", function()
      answer = raw_server.answer("", "")
      local text = ("0123456789abcdef"):rep(65536)
      assert.equal("", (ask { method = "POST", path = "/", body = text }))
      assert.equal(#text + 2, #server.requests[1].body)
    end)

    it("has a whole answer or an error, wherever the answer is cut", function()
      local head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
      for _, whole in ipairs {
        head .. "Content-Length: 10\r\n\r\n0123456789",
        head .. "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
      } do
        local kept
        local cutting = raw_server.new(function(_, connection)
          connection:write(whole:sub(1, kept))
          connection:close()
        end)
        local caller = core.new { base_url = cutting.address, api_key = canary.key }
        for length = 1, #whole do
          kept = length
          local value = raw_server.await(caller, core.request(caller, { path = "/" }, {}))
          assert(value == nil and length < #whole or value == "0123456789", ("%s after %d of %d bytes"):format(
            tostring(value), length, #whole))
        end
        caller:close()
        cutting:close()
      end
    end)

    it("is sent once, whatever happens to it", function()
      for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
        answer = raw_server.answer ""
        ask { path = "/" } -- its connection stays: a request that went there would be sent again when it breaks
        answer = nil
        local before, connections = #server.requests, server.connections
        local value, err = ask { method = method, path = "/", body = method ~= "DELETE" and {} or nil }
        assert.is_nil(value)
        assert.not_equal("none", err.effect)
        assert.is_false(err.retryable)
        assert.equal(before + 1, #server.requests)
        assert.equal(connections + 1, server.connections) -- on a connection of its own
      end
    end)

    it("leaves nothing behind for the reads after it", function()
      answer = raw_server.answer '{"id":"x"}'
      local me = { api = "v1", timeout = 20 }
      raw_server.await(client, core.me(client, nil, me))
      ask { method = "POST", path = "/x", query = { a = 1 }, body = { b = 2 } }
      ask { path = "/y", query = { a = 1 } }
      ask({ path = "/z" }, { api_key = "another-key", organization = "another-organization" })
      raw_server.await(client, core.me(client, nil, me))
      assert.equal(server.requests[1].head, server.requests[5].head)
      assert.equal("Bearer another-key", server.requests[4].headers.authorization)
      assert.equal("another-organization", server.requests[4].headers["x-org-id"])
    end)
  end)
end)
