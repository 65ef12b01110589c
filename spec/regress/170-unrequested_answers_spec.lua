-- A peer that answers twice, or sends unrequested bytes, leaves bytes on a kept connection. They must not be taken for
-- the answer to the next request.

local core = require "openhands.core"
local peer = require "spec.support.raw_server"

local id = "0123456789abcdef0123456789abcdef"

-- What a status of V0 answers, told apart by its title.
local function status(title)
  return peer.answer(('{"conversation_id":"%s","status":"RUNNING","title":"%s"}'):format(id, title))
end

describe("a kept connection", function()
  local server, client

  after_each(function()
    client:close()
    server:close()
  end)

  -- A server that answers in order of the requests, and a client of it.
  local function connect(answer)
    server = peer.new(answer)
    client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
  end

  local function read()
    local value, err = peer.await(client, core.status(client, id, { api = "v0" }))
    assert.is_nil(err)
    return value.title
  end

  -- Says something on the connection that the last request came by, and waits until it has left.
  local function say(connection, bytes)
    local left
    connection:write(bytes, function() left = true end)
    peer.turn_loop(function() return left end)
  end

  it("on which an answer came unrequested is closed, not used", function()
    local last
    connect(function(_, connection)
      last = connection
      return status("asked for " .. #server.requests)
    end)
    for i = 1, 5 do
      assert.are.equal("asked for " .. i, read())
      say(last, status "unasked")
    end
    assert.are.equal(5, server.connections)
  end)

  it("on which a byte came unrequested is closed, not used", function()
    local last
    connect(function(_, connection)
      last = connection
      return status("asked for " .. #server.requests)
    end)
    assert.are.equal("asked for 1", read())
    say(last, "\n")
    assert.are.equal("asked for 2", read())
    assert.are.equal(2, server.connections)
  end)

  it("serves one read after the other while its peer is quiet", function()
    connect(function() return status("asked for " .. #server.requests) end)
    for i = 1, 5 do assert.are.equal("asked for " .. i, read()) end
    assert.are.equal(1, server.connections)
  end)

  it("is not used when the second answer comes with the first", function()
    -- Longer than one reading of libcurl, which so ends exactly where the first answer does.
    local filler = (" "):rep(40000)
    connect(function()
      local body = ('{"conversation_id":"%s","status":"RUNNING","title":"asked for %d"}'):format(id, #server.requests)
      return peer.answer(body .. filler) .. status "unasked"
    end)
    for i = 1, 3 do assert.are.equal("asked for " .. i, read()) end
    assert.are.equal(3, server.connections)
  end)

  it("is not used by reads that wait for it when a second answer comes with the first", function()
    local filler = (" "):rep(40000)
    connect(function(request)
      local body = ('{"conversation_id":"%s","status":"RUNNING","title":"%s"}'):format(id, request.target)
      return peer.answer(body .. filler) .. status "unasked"
    end)
    local wanted = {}
    for i = 1, 30 do -- more than there are connections
      local own = ("%032x"):format(i)
      wanted[core.status(client, own, { api = "v0" })] = own
    end
    for _ = 1, 30 do
      local number, value, err
      peer.turn(client, function()
        number, value, err = client:next()
        return number
      end)
      assert.is_nil(err)
      assert.is_truthy(value.title:find(wanted[number], 1, true), value.title)
    end
  end)

  it("that the peer has closed is not tried", function()
    local ended
    connect(function(_, connection)
      connection:write(status("asked for " .. #server.requests))
      connection:close()
      ended = true
    end)
    for i = 1, 3 do
      ended = false
      assert.are.equal("asked for " .. i, read())
      peer.turn_loop(function() return ended end)
    end
    assert.are.equal(3, #server.requests)
  end)
end)
