-- Reads by HTTP/2 share connections; by HTTP/1 they wait for one. A service may change from one to the other.
local core = require "openhands.core"
local http2_server = require "spec.support.http2_server"

local ID = "7f3b9a1c2d4e4f60a1b2%012x"
local COUNT = 40 -- more than there are connections

describe("reads of a service that changes its version of HTTP", function()
  if http2_server.skip_without(it, pending) then return end

  local server, client

  before_each(function()
    server = http2_server.new "spec/hostile/http_versions.js"
    client = core.new { base_url = server.address, ca_file = server.ca_file, api_key = "sk-canary-0123456789" }
  end)

  after_each(function()
    client:close()
    server:close()
  end)

  -- Makes many reads at the same time, until each has its answer; returns the versions of their requests.
  local function read_all()
    local asked, left, versions = {}, COUNT, {}
    for place = 1, COUNT do
      assert(core.status(client, ID:format(place), { api = "v0", timeout = 60 }))
    end
    for _ = 1, 600 do
      client:step(0.1)
      local number, value, err = client:next()
      while number do
        assert.equal(core.null, value, err and err.reason)
        left = left - 1
        number, value, err = client:next()
      end
      if left == 0 then break end
    end
    assert.equal(0, left)
    server:settle()
    for _, request in ipairs(server.requests) do
      local version, path = request:match "^(%d) GET (%S+)"
      versions[version], asked[path] = true, (asked[path] or 0) + 1
    end
    for place = 1, COUNT do
      assert.equal(1, asked["/api/conversations/" .. ID:format(place)])
    end
    return versions
  end

  it("are each answered, and sent once", function()
    server:fault "http2"
    assert.same({ ["2"] = true }, read_all())
    server:fault "http1"
    assert.same({ ["1"] = true }, read_all())
    server.requests = {}
    assert.same({ ["1"] = true }, read_all())
    server:fault "http2"
    assert.same({ ["2"] = true }, read_all())
    server.requests = {}
    assert.same({ ["2"] = true }, read_all())
  end)

  it("are each answered by a service that has never spoken HTTP/2", function()
    server:fault "http1"
    assert.same({ ["1"] = true }, read_all())
  end)
end)
