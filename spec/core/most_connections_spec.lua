-- How many connections a client has to a server that speaks HTTP/1: reads that find none free wait for one.
local core = require "openhands.core"
local canary = require "spec.support.canary"
local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"

local ID = "7f3b9a1c2d4e4f60a1b2%012x"

describe("a client of a server on this machine", function()
  local server, held

  before_each(function()
    held = {}
    server = raw_server.new(function(_, connection) held[#held + 1] = connection end)
  end)

  after_each(function() server:close() end)

  -- Sends so many reads, and answers each as soon as `most` are held or all were sent. Returns the most held at a time.
  local function read_all(client, count, most)
    for place = 1, count do assert(core.status(client, ID:format(place), { api = "v0", timeout = 60 })) end
    local answered, highest = 0, 0
    while answered < count do
      raw_server.turn(client, function() return #held == math.min(most, count - answered) end)
      highest = math.max(highest, #held)
      table.remove(held):write(raw_server.answer "null")
      answered = answered + 1
      raw_server.turn(client, function() return select(2, client:in_flight()) end)
      assert.is_nil(select(3, client:next()))
    end
    client:close()
    return highest
  end

  it("has a hundred connections", function()
    local client = core.new { base_url = server.address, api_key = canary.key }
    assert.equal(100, read_all(client, 105, 100))
    assert.equal(100, server.connections)
  end)

  it("has as many as `connections` says", function()
    local client = core.new { base_url = server.address, api_key = canary.key, connections = 3 }
    assert.equal(3, read_all(client, 7, 3))
    assert.equal(3, server.connections)
  end)

  it("gets `connections` from the settings of a client", function()
    local client = openhands.new { base_url = server.address, api_key = canary.key, connections = 2 }
    assert.equal(2, read_all(client._core, 5, 2))
    assert.equal(2, server.connections)
  end)
end)

describe("the setting `connections`", function()
  local function refused(value)
    local fine, problem = pcall(openhands.new, { api_key = canary.key, connections = value })
    assert.is_false(fine)
    assert.matches("connections", tostring(problem))
    assert.no.matches("deadline", tostring(problem))
  end

  it("is a whole number from 1 to 10000", function()
    for _, value in ipairs { 0, -1, 1.5, 10001, math.huge, 0 / 0, "10", true } do refused(value) end
    openhands.new({ api_key = canary.key, connections = 10000 }):close()
  end)

  it("belongs to a client", function()
    local client = openhands.new { api_key = canary.key }
    assert.is_false((pcall(client.status, client, ID:format(1), { connections = 5 })))
    client:close()
  end)
end)
