-- Kept connections that all die: libcurl repeats a read over another of them, and is stopped then.

local core = require "openhands.core"
local raw_server = require "spec.support.raw_server"

describe("a read while all kept connections are dead", function()
  it("is answered over a new connection", function()
    local is_dead, seen = false, {}
    local server = raw_server.new(function(_, connection)
      if is_dead and seen[connection] then return connection:close() end
      seen[connection] = true
      return raw_server.answer '"alive"'
    end)
    local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    local function read() return assert(core.request(client, { path = "/x" }, {})) end
    for _ = 1, 4 do read() end
    raw_server.turn(client, function() return client:in_flight() == 0 end)
    while client:next() do end
    assert.equal(4, server.connections)
    is_dead = true
    local value, err = raw_server.await(client, read())
    assert.same({ "alive" }, { value, err and err.reason })
    assert.equal(5, server.connections)
    client:close()
    server:close()
  end)

  it("of a request that is no read fails, and is sent once", function()
    local server = raw_server.new(function(_, connection) connection:close() end)
    local client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    local value, err = raw_server.await(client, assert(core.request(client, { method = "POST", path = "/x" }, {})))
    assert.same({ nil, "unknown" }, { value, err.effect })
    assert.equal(1, #server.requests)
    client:close()
    server:close()
  end)
end)
