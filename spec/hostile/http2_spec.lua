-- A hostile HTTP/2 server: whatever it does to reads, a start is sent once, nothing hangs, and later calls work.
local http2_server = require "spec.support.http2_server"
local uv = require "luv"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

local id = ("0"):rep(32)

local faults = {
  "refused_stream", "cancelled_stream", "broken_stream", "goaway", "goaway_calm", "goaway_closing", "goaway_after",
  "goaway_at_once", "destroyed_session", "destroyed_socket", "destroyed_at_once", "broken_body", "destroyed_body",
}

describe("A hostile HTTP/2 server", function()
  if http2_server.skip_without(it, pending) then return end

  local server, client

  setup(function() server = http2_server.new() end)

  teardown(function() server:close() end)

  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function connect(settings)
    local all = { ca_file = server.ca_file, random = function() return 0.0001 end, loop = "uv" }
    for name, value in pairs(settings or {}) do all[name] = value end
    client = canary.client(server, all)
    return client
  end

  for _, fault in ipairs(faults) do
    it("gets a start once, and a read at most twice per try: " .. fault, function()
      for _, api in ipairs { "v0", "v1" } do
        connect { api = api, deadline = 20 }
        server:fault(fault)
        local conversation, err = client:start { initial_user_msg = "prompt-canary-17" }
        if not conversation then
          assertions.assert_error(err)
          canary.assert_no_secret(err, "prompt-canary")
        end
        server:settle()
        assert.is_true(server:count "POST" <= 1, ("%d starts"):format(server:count "POST"))
        server:fault(fault)
        local value, problem = client:status(id)
        if not value then assert.are_not.equal("ambiguous", assertions.assert_error(problem).kind) end
        server:settle()
        assert.is_true(server:count "GET" <= 6, ("%d reads"):format(server:count "GET"))
        client:close()
      end
    end)
  end

  it("that recovers is served as if nothing had been", function()
    for _, fault in ipairs(faults) do
      connect { api = "v0", retries = 0 }
      server:fault(fault)
      client:status(id)
      server:fault "none"
      assert.are.equal("from HTTP/2", assert(client:status(id)).title, fault)
      client:close()
    end
  end)

  it("that refuses twenty reads at once is asked at most twice for each try of each", function()
    connect { api = "v0" }
    server:fault "refused_stream"
    local ended = 0
    for _ = 1, 20 do
      client:spawn(function()
        local value, err = client:status(id)
        assert(not value and err.kind == "connect", tostring(err))
        ended = ended + 1
      end)
    end
    client:sleep(0.001)
    for _ = 1, 100000 do
      if ended == 20 then break end
      uv.run "once"
    end
    assert.are.equal(20, ended)
    server:settle()
    assert.is_true(server:count "GET" <= 120, ("%d reads"):format(server:count "GET"))
  end)
end)
