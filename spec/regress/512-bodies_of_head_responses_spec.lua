-- The simulator sent a body in response to HEAD. On a kept connection, the client took it for the start of the next
-- response.

local raw_client = require "spec.support.raw_client"
local simulator = require "openhands.simulator"

local parts, request = raw_client.parts, raw_client.request

describe("a response to HEAD", function()
  local server

  setup(function() server = simulator.spawn { pace = 0.01 } end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  -- Sends a request, and another one on the same connection. Returns the head of the first response, and the rest.
  local function answers(method, target)
    local bytes = request(method, target) .. raw_client.ask
    local result = raw_client.exchange(server.address, bytes, { enough = raw_client.end_of_account .. "$" })
    return parts(raw_client.of_no_moment(result.bytes))
  end

  it("is the head of the response to GET", function()
    for _, options in ipairs { { spa = true }, { spa = false } } do
      server:options(options)
      for _, target in ipairs { "/", "/no/such/page", "/runtime/nothing/x" } do
        local head, rest = answers("HEAD", target)
        assert.are.equal(answers("GET", target), head)
        assert.matches("^HTTP/1.1 200 OK\r\n", rest)
      end
    end
  end)

  it("has no body where only other methods are known, or the request is refused", function()
    local function follows(status, target)
      local head, rest = answers("HEAD", target)
      assert.matches("^HTTP/1.1 " .. status, head)
      assert.matches("\r\nContent%-Length: [1-9]", head)
      assert.matches("^HTTP/1.1 200 OK\r\n", rest)
    end
    server:options { spa = false }
    follows(405, "/api/v1/users/me")
    server:throttle("window", 1)
    follows(429, "/api/v1/users/me")
  end)

  it("has no body in process", function()
    local response = simulator.model():request { method = "HEAD", path = "/", headers = {} }
    assert.are.same({ 200, "" }, { response.status, response.body })
  end)

  it("ends its connection if a fault gives it a body", function()
    for _, point in ipairs { "after_read", "after_commit" } do
      server:faults { { point = point, action = "status", status = 503, match = { method = "HEAD" } } }
      local result = raw_client.exchange(server.address, request("HEAD", "/") .. raw_client.ask)
      assert.are.equal("closed", result.ending)
      assert.matches("^HTTP/1.1 503 ", result.bytes)
      assert.is_nil(result.bytes:find(raw_client.end_of_account, 1, true))
    end
  end)
end)
