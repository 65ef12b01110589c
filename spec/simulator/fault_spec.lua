local uv = require "luv"
local faults = require "openhands.simulator.fault"
local json = require "openhands.simulator.encoding.json"
local raw_client = require "spec.support.raw_client"
local simulator = require "openhands.simulator"

local exchange, request, parts, ask = raw_client.exchange, raw_client.request, raw_client.parts, raw_client.ask
local of_no_moment = raw_client.of_no_moment
local start = request("POST", "/api/v1/app-conversations", "{}")
local nothing = 0.15 -- seconds after which nothing will come any more

local function length_of(head)
  return tonumber(head:match("\r\nContent%-Length: (%d+)"))
end

describe("a fault", function()
  local server

  setup(function() server = simulator.spawn { pace = 0.01 } end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  local function send(bytes, settings) return exchange(server.address, bytes, settings) end

  -- Sends one request with a fault set.
  local function request_with(fault, bytes, settings)
    server:faults { fault }
    return send(bytes or ask, settings)
  end

  it("does not happen by default", function()
    local head, body = parts(send(ask, { enough = '"v1_enabled":true}$' }).bytes)
    assert.is_truthy(head:find("^HTTP/1.1 200 OK\r\n"))
    assert.are.equal(#body, length_of(head))
    assert.are.equal("acme", json.decode(body).org_name)
  end)

  -- The progress of a request at each point: read by the server, committed by the model.
  local reach = {
    accept = { 0, 0 }, before_read = { 0, 0 }, after_read = { 1, 0 }, after_commit = { 1, 1 }, in_headers = { 1, 1 },
    in_body = { 1, 1 },
  }
  local partial = { in_headers = "^HTTP", in_body = "\r\n\r\n." }

  -- A client without a response cannot know how far the server is: polls.
  local function reached(requests, conversations)
    for _ = 1, 10000 do
      if #server:requests() == requests and server:jobs() == conversations then return true end
    end
    return false
  end

  for point, counts in pairs(reach) do
    for action, ending in pairs { close = "closed", reset = "ECONNRESET", hang = "open" } do
      it(("at the point %s can be %s"):format(point, action), function()
        local settings
        if action == "hang" then
          settings = { enough = partial[point], quiet = nothing, seconds = not partial[point] and nothing }
        end
        local result = request_with({ point = point, action = action }, start, settings)
        assert.are.equal(ending, result.ending)
        assert.is_true(reached(counts[1], counts[2]))
        if point == "in_headers" then
          assert.is_truthy(result.bytes:find("^HTTP/1.1 200 OK\r\n"))
          assert.is_nil(parts(result.bytes))
        elseif point == "in_body" then
          local head, body = parts(result.bytes)
          assert.is_true(#body > 0 and #body < length_of(head))
        else
          assert.are.equal("", result.bytes)
        end
        assert.are.equal("enough", send(ask, { enough = "200 OK" }).ending)
      end)
    end
  end

  it("cuts exactly at its byte", function()
    assert.are.equal("HTTP/1.", request_with({ point = "in_headers", action = "close", at = 7 }).bytes)
    local _, body = parts(request_with({ point = "in_body", action = "close", at = 3 }).bytes)
    assert.are.equal('{"a', body)
  end)

  it("applies to the requests that `skip`, `count` and `match` choose", function()
    server:faults { { point = "after_read", action = "close", skip = 1, count = 2,
      match = { method = "GET", path = "^/api/v1/users/" } } }
    local endings = {}
    for index = 1, 4 do endings[index] = send(ask, { enough = "200 OK" }).ending end
    assert.are.same({ "enough", "closed", "closed", "enough" }, endings)
    server:faults { { point = "after_read", action = "close", count = -1, match = { method = "POST" } } }
    assert.are.equal("enough", send(ask, { enough = "200 OK" }).ending)
    for _ = 1, 3 do assert.are.equal("closed", send(start).ending) end
    assert.are.equal(0, server:jobs())
  end)

  it("refuses connections for a while", function()
    local ending
    local seconds = 1.5
    repeat -- on a busy machine the time may be over before the next request
      server:reset()
      assert.are.equal("ECONNRESET", request_with({ point = "accept", action = "refuse", seconds = seconds }).ending)
      ending = send(ask, { enough = "200 OK" }).ending
      seconds = 2 * seconds
    until ending == "ECONNREFUSED" or seconds > 20
    assert.are.equal("ECONNREFUSED", ending)
    local deadline = uv.hrtime() + 60e9
    repeat ending = send(ask, { enough = "200 OK" }).ending until ending == "enough" or uv.hrtime() > deadline
    assert.are.equal("enough", ending)
  end)

  describe("that transforms the response:", function()
    local right_head, right_body

    before_each(function()
      server:faults {}
      right_head, right_body = parts(of_no_moment(send(ask, { enough = '"v1_enabled":true}$' }).bytes))
    end)

    local function shaped(fault, settings)
      fault.point = "after_commit"
      local result = request_with(fault, ask, settings or { enough = '"v1_enabled":true}$' })
      result.bytes = of_no_moment(result.bytes)
      return result
    end

    it("drip", function()
      local begun = uv.hrtime()
      local result = shaped { action = "drip", bytes = 50, seconds = 0.01 }
      assert.are.equal(right_head .. right_body, result.bytes)
      -- Only a lower bound: several pieces may arrive as one.
      assert.is_true((uv.hrtime() - begun) / 1e9 > 0.008 * math.floor(#result.bytes / 50))
    end)

    it("split", function()
      for _, at in ipairs { 1, 9, 17, #right_head - 1, #right_head, #right_head + 1 } do
        local size
        -- On a busy machine both pieces may have arrived before the first read.
        for _ = 1, 20 do
          local result = shaped { action = "split", at = at }
          assert.are.equal(right_head .. right_body, result.bytes)
          size = #result.pieces[1]
          if size == at then break end
        end
        assert.are.equal(at, size)
      end
      assert.are.equal(right_head .. right_body, shaped({ action = "split", at = "every" }).bytes)
    end)

    it("continue", function()
      assert.are.equal(("HTTP/1.1 100 Continue\r\n\r\n"):rep(3) .. right_head .. right_body,
        shaped({ action = "continue", times = 3 }).bytes)
    end)

    it("wrong_length", function()
      for _, delta in ipairs { 10, -10 } do
        local result = shaped({ action = "wrong_length", delta = delta }, {})
        local head, body = parts(result.bytes)
        assert.are.same({ "closed", right_body, #right_body + delta }, { result.ending, body, length_of(head) })
      end
    end)

    it("no_length", function()
      local result = shaped({ action = "no_length" }, {})
      local head, body = parts(result.bytes)
      assert.are.same({ "closed", right_body }, { result.ending, body })
      assert.is_nil(length_of(head))
      assert.are.equal("{", select(2, parts(shaped({ action = "no_length", bytes = 1 }, {}).bytes)))
    end)

    it("truncate_chunked", function()
      local result = shaped({ action = "truncate_chunked" }, {})
      local head, body = parts(result.bytes)
      assert.is_truthy(head:find("\r\nTransfer-Encoding: chunked\r\n", 1, true))
      local size, data = body:match("^(%x+)\r\n(.*)\r\n$")
      assert.are.equal(tonumber(size, 16), #data)
      assert.are.equal(right_body:sub(1, #data), data)
      assert.is_true(#data < #right_body)
    end)

    it("truncate_chunked, of a body that holds NUL bytes", function()
      local planned = faults.plan({ point = "after_commit", action = "truncate_chunked" },
        { status = 200, headers = {}, body = "a\0b\0c\0d\0" })
      local _, body = parts(planned.writes[1].bytes)
      assert.are.equal("4\r\na\0b\0\r\n", body)
    end)

    it("cut_gzip, with right lengths and a reusable connection", function()
      server:faults { { point = "after_commit", action = "cut_gzip", bytes = 2 } }
      local bytes = of_no_moment(send(ask .. ask, { enough = '"v1_enabled":true}$' }).bytes)
      local head, rest = parts(bytes)
      assert.is_truthy(head:find("\r\nContent-Encoding: gzip\r\n", 1, true))
      assert.are.equal(17, length_of(head))
      assert.are.equal("\31\139\8\0\0\0\0\0\0\3\1", rest:sub(1, 11))
      assert.are.equal(#right_body, rest:byte(12) + 256 * rest:byte(13))
      assert.are.equal(65535, rest:byte(12) + rest:byte(14) + 256 * (rest:byte(13) + rest:byte(15)))
      assert.are.equal(right_body:sub(1, 2), rest:sub(16, 17))
      assert.are.equal(right_head .. right_body, rest:sub(18))
    end)

    it("type", function()
      local function mutated(field, value)
        local _, body = parts(shaped({ action = "type", field = field, value = value }, { enough = "}$" }).bytes)
        return json.decode(body)
      end
      assert.are.equal(7, mutated("org_name", 7).org_name)
      assert.are.equal(simulator.null, mutated("id", simulator.null).id)
      assert.are.equal("[]", json.encode(mutated("agent_settings.llm", simulator.array()).agent_settings.llm))
      assert.are.equal(1, mutated("agent_settings.llm.model", 1).agent_settings.llm.model)
      assert.are.equal("x", mutated("permissions.1", "x").permissions[1])
      assert.is_nil(mutated("email").email)
      assert.are.equal("acme", mutated("no.such.field", 1).org_name)
    end)

    it("delay, before or after the commit", function()
      for point, conversations in pairs { after_read = 0, after_commit = 1 } do
        server:reset()
        local result = request_with({ point = point, action = "delay", seconds = 60 }, start, { seconds = nothing })
        assert.are.same({ "open", "" }, { result.ending, result.bytes })
        assert.is_true(reached(1, conversations))
        server:reset()
        local begun = uv.hrtime()
        result = request_with({ point = point, action = "delay", seconds = 0.1 }, start, { enough = "WORKING" })
        assert.are.same({ "enough", 1 }, { result.ending, server:jobs() })
        assert.is_true(uv.hrtime() - begun >= 0.09 * 1e9)
      end
    end)
  end)

  describe("that replaces the response:", function()
    -- The response to a start at `after_read` (not committed) and at `after_commit` (committed).
    local function instead(fault, settings)
      local results = {}
      for _, each in ipairs { { "after_read", 0 }, { "after_commit", 1 } } do
        server:reset()
        fault.point = each[1]
        results[#results + 1] = request_with(fault, start, settings or { enough = "\r\n\r\n" })
        assert.are.equal(each[2], server:jobs())
      end
      assert.are.equal(of_no_moment(results[1].bytes), of_no_moment(results[2].bytes))
      return results[1], parts(results[1].bytes)
    end

    local function json_answer(fault)
      local _, head, body = instead(fault, { enough = "\r\n\r\n.+$" })
      assert.is_truthy(head:find("^HTTP/1.1 200 OK\r\nContent%-Type: application/json\r\n"))
      assert.are.equal(#body, length_of(head))
      return body
    end

    it("html", function()
      local _, head, body = instead({ action = "html" }, { enough = "</html>" })
      assert.is_truthy(head:find("^HTTP/1.1 200 OK\r\nContent%-Type: text/html"))
      assert.is_truthy(body:find("^<!DOCTYPE html>"))
    end)

    it("status", function()
      local _, head, body = instead({ action = "status", status = 503, body = { detail = "busy" },
        headers = { { "Retry-After", "3" }, { "X-Twice", "a" }, { "X-Twice", "b" } } }, { enough = "busy" })
      assert.is_truthy(head:find("^HTTP/1.1 503 Service Unavailable\r\n"))
      assert.is_truthy(head:find("\r\nRetry-After: 3\r\nX-Twice: a\r\nX-Twice: b\r\n", 1, true))
      assert.are.equal('{"detail":"busy"}', body)
      _, head, body = instead({ action = "status", status = 299, body = "plain", content_type = "text/plain",
        headers = { ["X-Map"] = 1 } }, { enough = "plain$" })
      assert.is_truthy(head:find("^HTTP/1.1 299 Unknown\r\nContent%-Type: text/plain\r\nX%-Map: 1\r\n"))
      assert.are.equal("plain", body)
    end)

    it("redirect", function()
      local _, head = instead { action = "redirect", status = 307, location = "http://127.0.0.1:9/" }
      assert.is_truthy(head:find("^HTTP/1.1 307 Temporary Redirect\r\n.*\r\nLocation: http://127.0.0.1:9/\r\n"))
    end)

    it("empty", function()
      local _, head, body = instead { action = "empty" }
      assert.is_truthy(head:find("^HTTP/1.1 204 No Content\r\n"))
      assert.are.same({ "" }, { body, length_of(head) })
      _, head = instead { action = "empty", status = 200 }
      assert.are.equal(0, length_of(head))
    end)

    it("null", function() assert.are.equal("null", json_answer { action = "null" }) end)

    it("invalid_utf8", function()
      assert.is_truthy(json_answer({ action = "invalid_utf8" }):find("\255\254\195\40", 1, true))
    end)

    it("deep", function()
      assert.are.equal("[[[[[]]]]]", json_answer { action = "deep", depth = 5 })
    end)

    it("huge", function()
      local _, head, body = instead({ action = "huge", bytes = 200001 }, { enough = '"}$' })
      assert.are.same({ 200001, 200001 }, { length_of(head), #body })
      assert.is_truthy(body:find('^{"padding":"x+"}$'))
    end)

    it("raw, with any bytes", function()
      local bytes = {}
      for code = 0, 255 do bytes[code + 1] = string.char(code) end
      local result = instead({ action = "raw", bytes = table.concat(bytes) }, {})
      assert.are.same({ table.concat(bytes), "closed" }, { result.bytes, result.ending })
    end)

    it("garbage", function()
      local result = instead({ action = "garbage", line = "HTTP/9.9 abc" }, {})
      assert.are.same({ "HTTP/9.9 abc\r\n\r\n", "closed" }, { result.bytes, result.ending })
    end)

    it("headers_flood", function()
      local result = instead({ action = "headers_flood", bytes = 100 * 1024 }, {})
      assert.is_nil(parts(result.bytes))
      assert.is_true(#result.bytes >= 100 * 1024)
      assert.are.equal("closed", result.ending)
    end)

    it("body_flood, no faster than the peer reads", function()
      local result = request_with({ point = "after_commit", action = "body_flood", bytes = 5 * 1024 * 1024 }, ask,
        { count_only = true })
      assert.are.equal("closed", result.ending)
      assert.is_true(result.size > 5 * 1024 * 1024)
    end)

    it("with another ending", function()
      local result = request_with { point = "after_read", action = "status", ending = "reset" }
      assert.are.equal("ECONNRESET", result.ending)
      result = request_with({ point = "after_read", action = "garbage", ending = "hang" }, ask,
        { enough = "\r\n\r\n", quiet = nothing })
      assert.are.same({ "open", "HELO this is no web server\r\n\r\n" }, { result.ending, result.bytes })
    end)

    it("before the request is read", function()
      local result = request_with({ point = "before_read", action = "status", status = 503 }, start)
      assert.is_truthy(result.bytes:find("^HTTP/1.1 503"))
      assert.are.same({ "closed", 0 }, { result.ending, #server:requests() })
    end)
  end)

  it("raises if it is malformed", function()
    for _, fault in ipairs {
      { action = "close" }, { point = "sometime", action = "close" }, { point = "after_read", action = "explode" },
      { point = "in_body", action = "html" }, { point = "after_read", action = "drip" },
      { point = "accept", action = "close", match = { method = "GET" } }, { point = "after_commit", action = "type" },
      { point = "before_read", action = "delay" },
    } do
      assert.has_error(function() server:faults { fault } end)
    end
  end)

  it("is dropped when the schedule is replaced", function()
    server:faults { { point = "after_read", action = "close", count = -1 } }
    server:faults {}
    assert.are.equal("enough", send(ask, { enough = "200 OK" }).ending)
  end)
end)
