-- When a service refused a read, libcurl opened a connection to repeat it, was stopped, and kept that connection. If
-- the service had closed it, too, the next read failed, although the service would have answered it by a new one. Seen
-- with libcurl 8.23.

local http2_server = require "spec.support.http2_server"
local canary = require "spec.support.canary"

local id = ("0"):rep(32)
local rounds = 20 -- what the client meets first, the frames or the end of the connection, varies

describe("a read after one whose repetition was stopped", function()
  if http2_server.skip_without(it, pending) then return end

  local server

  setup(function() server = http2_server.new() end)

  teardown(function() server:close() end)

  for _, fault in ipairs { "goaway_at_once", "destroyed_at_once" } do
    it("is served at once, and sent once: " .. fault, function()
      for _ = 1, rounds do
        local client = canary.client(server, {
          ca_file = server.ca_file, api = "v0", retries = 0, loop = "uv", random = function() return 0.0001 end,
        })
        server:fault(fault)
        client:status(id)
        server:fault "none"
        assert.are.equal("from HTTP/2", assert(client:status(id)).title)
        server:settle()
        assert.are.equal(1, server:count "GET")
        client:close()
      end
    end)
  end
end)
