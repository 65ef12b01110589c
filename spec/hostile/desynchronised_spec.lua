-- Peers whose responses are out of step with the requests: each response goes to its own call, or to none.
local core = require "openhands.core"
local http2_server = require "spec.support.http2_server"
local peer = require "spec.support.raw_server"

local function request(client, mark)
  return core.request(client, { path = "/api/x", query = { mark = mark } }, {})
end

describe("A peer over TLS that sends more than it is asked for", function()
  if http2_server.skip_without(it, pending) then return end

  local server, client

  setup(function() server = http2_server.new "spec/hostile/http1_tls.js" end)

  teardown(function() server:close() end)

  after_each(function() client:close() end)

  local function read(mark)
    local number = request(client, mark)
    for _ = 1, 300 do
      client:step(0.1)
      local finished, value, err = client:next()
      if finished then
        assert.are.equal(number, finished)
        assert.is_nil(err)
        return value.title
      end
    end
    error "no answer"
  end

  local function connect(way)
    server:fault(way)
    client = core.new { base_url = server.address, ca_file = server.ca_file, api_key = "sk-canary-0123456789" }
  end

  for _, way in ipairs { "together", "head_apart", "apart", "line" } do
    it("does not get it taken for an answer: " .. way, function()
      connect(way)
      for i = 1, 5 do
        assert.are.equal("m" .. i, read("m" .. i))
        server:settle() -- until it has said all
      end
    end)
  end

  it("keeps its connection when it says nothing more, whatever TLS itself has to say", function()
    connect "none"
    local statuses = {}
    for i = 1, 5 do statuses[i] = read("m" .. i) end
    assert.are.same({ "m1", "m2", "m3", "m4", "m5" }, statuses)
    server:settle()
    assert.are.equal(1, server:count "OPENED")
  end)

  it("is one answer ahead on a new connection only", function()
    connect "early"
    local first = read "m1"
    assert.is_true(first == "unasked" or first == "m1") -- it came before the request, and nothing tells
    server:settle()
    server:fault "none"
    for i = 2, 4 do assert.are.equal("m" .. i, read("m" .. i)) end
  end)
end)

describe("An answer to a request that was given up", function()
  local server, client

  after_each(function()
    client:close()
    server:close()
  end)

  it("is not the next one's", function()
    local held = {}
    server = peer.new(function(asked, connection)
      local mark = asked.target:match "mark=(%w+)"
      if mark:sub(1, 4) ~= "lost" then return peer.answer(('{"title":"%s"}'):format(mark)) end
      held[#held + 1] = function() connection:write(peer.answer(('{"title":"%s"}'):format(mark))) end
    end)
    client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    for i = 1, 5 do
      local lost = request(client, "lost" .. i)
      peer.turn(client, function() return #held == i end)
      assert.is_true(client:cancel(lost))
      assert.are.equal(lost, (client:next()))
      local number = request(client, "m" .. i)
      held[i]()
      local value, err = peer.await(client, number)
      assert.is_nil(err)
      assert.are.equal("m" .. i, value.title)
    end
  end)

  it("is not the next one's when its time was over", function()
    local held
    server = peer.new(function(asked, connection)
      local mark = asked.target:match "mark=(%w+)"
      if mark ~= "lost" then return peer.answer(('{"title":"%s"}'):format(mark)) end
      held = function() connection:write(peer.answer '{"title":"lost"}') end
    end)
    client = core.new { base_url = server.address, api_key = "sk-canary-0123456789" }
    assert.are.equal("m0", (peer.await(client, request(client, "m0"))).title)
    local seconds = 0.05
    repeat -- on a busy machine its time may be over before it was sent
      local lost = core.request(client, { path = "/x", query = { mark = "lost" } }, { timeout = seconds })
      local _, err = peer.await(client, lost)
      assert.are.equal("timeout", err.kind)
      seconds = 2 * seconds
    until held or seconds > 10
    held()
    assert.are.equal("m1", (peer.await(client, request(client, "m1"))).title)
  end)
end)
