-- core.poll: sleeps until one of several clients has something to do.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local raw_server = require "spec.support.raw_server"

describe("core.poll", function()
  local most = 0.1 -- seconds of one sleep

  -- Tells whether one of many sleeps ended early: a busy machine can only make a sleep longer.
  local function wakes(clients)
    for _ = 1, 20 do
      local before = core.monotonic()
      assert.equal(0, select("#", core.poll(clients, most)))
      if core.monotonic() - before < most / 2 then return true end
    end
    return false
  end

  local function sleeps(clients, seconds)
    local before = core.monotonic()
    core.poll(clients, seconds)
    return core.monotonic() - before
  end

  -- Clients with nothing to do.
  local function idle(count)
    local clients = {}
    for index = 1, count do clients[index] = core_client.new { external = false } end
    return clients
  end

  it("sleeps as long as it is told when no client has work, and a tenth of a second at most", function()
    assert.is_true(sleeps({}, 0.02) >= 0.02)
    assert.is_true(sleeps({}, 1e300) >= most)
    assert.is_true(sleeps(idle(2), 0.02) >= 0.02)
    assert.is_true(sleeps({ core_client.new() }, 0.02) >= 0.02)
    for _, none in ipairs { 0, -1, 0 / 0 } do core.poll({}, none) end
    core.poll {}
    assert.is_true(wakes { core_client.new(), (function() -- e.g. one that was cancelled: its result can be fetched
      local client = core_client.new()
      client:cancel(core.me(client, nil, { api = "v1" }))
      return client
    end)() })
  end)

  it("returns at once while an exchange waits for its external transport, and soon while that has it", function()
    local client = core_client.new()
    core.me(client, nil, { api = "v1" })
    assert.is_true(wakes { client })
    client:outgoing()
    assert.is_true(wakes { client })
    client:pollfd() -- shows its timers only
    assert.is_true(wakes { client })
    client:close()
  end)

  it("returns when data has arrived for one of the clients, and leaves the step to the caller", function()
    local connection
    local server = raw_server.new(function(_, from) connection = from end)
    for _, place in ipairs { 1, 2, 64, 65, 130 } do -- the last ones do not fit on the stack
      local client, clients = core_client.new { base_url = server.address, external = false }, idle(place + 1)
      for _, other in ipairs(clients) do other:pollfd() end
      clients[place] = client
      connection = nil
      core.me(client, nil, { api = "v1" })
      raw_server.turn(client, function() return connection and client:timeout() > 5 end)
      assert.is_true(sleeps(clients, 0.02) >= 0.02) -- it still waits for its answer
      local gone_out = false
      connection:write(raw_server.answer '{"id":"here"}', function() gone_out = true end)
      raw_server.turn_loop(function() return gone_out end)
      assert.is_true(wakes(clients), "client " .. place)
      assert.equal(1, client:in_flight())
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      assert.equal("here", (select(2, client:next())).id)
      for _, other in ipairs(clients) do other:close() end
    end
    server:close()
  end)

  it("returns when a timeout is over", function()
    local server = raw_server.new(function() end)
    local client = core_client.new { base_url = server.address, external = false }
    local seconds = 0.15
    repeat -- on a busy machine it may be over before anything was sent
      client:next()
      seconds = 2 * seconds
      local before = #server.requests
      core.me(client, nil, { api = "v1", timeout = seconds })
      raw_server.turn(client, function() return #server.requests > before or client:in_flight() == 0 end)
    until client:in_flight() == 1 or seconds > 5
    assert.equal(1, client:in_flight())
    assert.is_true(wakes { client })
    raw_server.turn(client, function() return client:in_flight() == 0 end)
    assert.equal("timeout", (select(3, client:next())).kind)
    server:close()
    client:close()
  end)

  it("refuses what is no open client", function()
    local closed, good = core_client.new(), core_client.new()
    closed:close()
    local function refused(pattern, ...)
      local well, message = pcall(core.poll, ...)
      assert.is_false(well)
      assert.matches(pattern, message)
    end
    refused("closed", { good, closed }, 0)
    refused("%[2%] is not a client", { good, {} }, 0)
    refused("%[1%] is not a client", { io.stdout }, 0)
    refused("%[1%] is not a client", { false, good }, 0)
    refused("table expected", good, 0)
    refused("number expected", { good }, "soon")
    good:close()
  end)
end)
