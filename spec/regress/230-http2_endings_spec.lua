-- HTTP/2 may end before an answer has begun. This must be reported as a failed connection, and a read may be repeated,
-- by this library and not by libcurl.

local core = require "openhands.core"
local http2_server = require "spec.support.http2_server"

local id = "0123456789abcdef0123456789abcdef"

describe("a read by HTTP/2", function()
  if http2_server.skip_without(it, pending) then return end

  local server, client

  setup(function() server = http2_server.new() end)

  teardown(function() server:close() end)

  before_each(function()
    client = core.new { base_url = server.address, ca_file = server.ca_file, api_key = "sk-canary-0123456789" }
  end)

  after_each(function() client:close() end)

  local function read()
    local number = core.status(client, id, { api = "v0" })
    for _ = 1, 300 do
      client:step(0.1)
      local finished, value, err = client:next()
      if finished then
        assert.are.equal(number, finished)
        return value, err
      end
    end
    error "no answer"
  end

  local function assert_passing(fault)
    server:fault(fault)
    local value, err = read()
    assert.is_nil(value)
    assert.are.same({ "connect", true }, { err.kind, err.retryable })
    assert.is_true(err.effect == "unknown" or err.effect == "none")
    assert.is_string(err.reason)
    server:settle()
  end

  for _, fault in ipairs {
    "refused_stream", "cancelled_stream", "broken_stream", "goaway", "goaway_calm", "goaway_closing",
    "destroyed_session", "destroyed_socket",
  } do
    it("that meets " .. fault .. " is sent once, and may be retried", function()
      assert_passing(fault)
      assert.are.equal(1, server:count "GET")
    end)
  end

  for _, fault in ipairs { "goaway_at_once", "destroyed_at_once" } do
    it("that meets " .. fault .. " may be retried", function() assert_passing(fault) end)
  end

  it("that is refused on a kept connection is sent at most once more, by a new one", function()
    server:fault "none"
    assert(read())
    server:fault "refused_stream"
    for _ = 1, 3 do
      local value, err = read()
      assert.is_nil(value)
      assert.are.equal("connect", err.kind)
    end
    server:settle()
    assert.is_true(server:count "GET" <= 4, server:count "GET")
  end)

  it("gets its answer when its kept connection has gone away meanwhile", function()
    server:fault "goaway_after"
    for _ = 1, 3 do assert.are.equal("from HTTP/2", assert(read()).title) end
  end)

  it("whose answer is cut is told from one without an answer", function()
    for _, fault in ipairs { "broken_body", "destroyed_body" } do
      server:fault(fault)
      local value, err = read()
      assert.is_nil(value)
      assert.are.same({ "protocol", true, 200 }, { err.kind, err.retryable, err.status })
    end
  end)
end)
