-- A thousand reads by HTTP/1 were all given to libcurl, which looks at each one that waits for a connection whenever
-- another ends. Now they wait in a queue of the client's own: its order, and what ends them there.
local core = require "openhands.core"
local canary = require "spec.support.canary"
local raw_server = require "spec.support.raw_server"

local CONNECTIONS = 10
local ID = "7f3b9a1c2d4e4f60a1b2%012x"

local found, ffi = pcall(require, "ffi")

if found then ffi.cdef [[int fork(void); int waitpid(int, int *, int); void _exit(int);]] end

describe("a read by HTTP/1 that finds no connection free", function()
  local server, client, held, numbers

  before_each(function()
    held, numbers = {}, {}
    server = raw_server.new(function(request, connection)
      held[#held + 1] = { place = tonumber(request.target:match "%x%x%x$" or "0", 16), connection = connection }
    end)
    client = core.new { base_url = server.address, api_key = canary.key, connections = CONNECTIONS }
  end)

  after_each(function()
    client:close()
    server:close()
  end)

  local function read(place, timeout)
    numbers[place] = assert(core.status(client, ID:format(place), { api = "v0", timeout = timeout or 60 }))
  end

  -- Sends so many reads; returns when the server has those that get a connection.
  local function read_all(count)
    for place = 1, count do read(place) end
    raw_server.turn(client, function() return #held == math.min(count, CONNECTIONS) end)
  end

  -- Answers the request that the server has held for the longest time.
  local function answer_next()
    local first = table.remove(held, 1)
    first.connection:write(raw_server.answer "null")
    return first.place
  end

  -- Steps until an exchange has ended; returns its number and error.
  local function ended()
    raw_server.turn(client, function() return select(2, client:in_flight()) end)
    local number, _, err = client:next()
    return number, err
  end

  it("is sent when one becomes free, the oldest first", function()
    read_all(40)
    local seen = {}
    for _ = 1, 40 do
      local count = #server.requests
      seen[#seen + 1] = answer_next()
      assert.is_nil(select(2, ended()))
      raw_server.turn(client, function() return #server.requests == math.min(count + 1, 40) end)
    end
    for place = CONNECTIONS + 1, 40 do assert.equal(place, seen[place]) end
    assert.equal(CONNECTIONS, server.connections)
    assert.equal(0, client:in_flight())
  end)

  it("counts as in flight, and nothing of its answer has come", function()
    read_all(CONNECTIONS + 1)
    assert.equal(CONNECTIONS + 1, client:in_flight())
    assert.equal(0, client:progress(numbers[CONNECTIONS + 1]))
    assert.is_nil(client:outgoing())
  end)

  it("is never sent once it is cancelled", function()
    read_all(CONNECTIONS + 2)
    assert.is_true(client:cancel(numbers[CONNECTIONS + 1]))
    local number, err = ended()
    assert.same({ numbers[CONNECTIONS + 1], "cancelled", "none" }, { number, err.kind, err.effect })
    answer_next()
    raw_server.turn(client, function() return #server.requests == CONNECTIONS + 1 end)
    assert.equal(CONNECTIONS + 2, held[#held].place)
    assert.is_false(client:cancel(numbers[CONNECTIONS + 1]))
  end)

  it("gets the connection of a read that is cancelled", function()
    read_all(CONNECTIONS + 1)
    assert.is_true(client:cancel(numbers[1]))
    raw_server.turn(client, function() return #server.requests == CONNECTIONS + 1 end)
    assert.equal(CONNECTIONS + 1, held[#held].place)
  end)

  it("ends at its own deadline, unsent", function()
    read_all(CONNECTIONS)
    read(CONNECTIONS + 1, 0.05)
    local number, err = ended()
    assert.same({ numbers[CONNECTIONS + 1], "timeout", "none" }, { number, err.kind, err.effect })
    assert.equal("it did not begin within its timeout", err.reason)
    assert.equal(CONNECTIONS, #server.requests)
  end)

  it("has only the rest of its time once it is sent", function()
    local seconds, last = 0.2, nil
    repeat -- on a busy machine all may end at once
      for place = 1, CONNECTIONS do read(place, seconds) end
      read(CONNECTIONS + 1, 1.5 * seconds) -- waits for two thirds of it
      for _ = 1, CONNECTIONS + 1 do
        local err
        last, err = ended()
        assert.equal("timeout", err.kind)
      end
      seconds = 2 * seconds
    until last == numbers[CONNECTIONS + 1] or seconds > 10
    assert.equal(numbers[CONNECTIONS + 1], last)
    assert.equal(0, client:in_flight())
  end)

  it("is not sent by a client that closes", function()
    read_all(CONNECTIONS + 20)
    client:close()
    client:close()
    raw_server.turn_loop(function() return next(server._sockets) == nil end)
    assert.equal(CONNECTIONS, #server.requests)
  end)

  it("does not hold up what gets a connection of its own", function()
    read_all(CONNECTIONS + 20)
    assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 60 }))
    raw_server.turn(client, function() return #server.requests == CONNECTIONS + 1 end)
    assert.equal("POST", server.requests[CONNECTIONS + 1].method)
  end)

  it("belongs to the parent of a forked child", function()
    if not found then return pending "needs a Lua that can fork" end
    read_all(CONNECTIONS + 1)
    local child = ffi.C.fork()
    if child == 0 then
      local is_refused = not pcall(client.step, client, 0)
      local has_closed = pcall(client.close, client)
      ffi.C._exit(is_refused and has_closed and 7 or 1)
    end
    local status = ffi.new "int[1]"
    assert.equal(child, ffi.C.waitpid(child, status, 0))
    assert.equal(7, status[0] / 256)
    answer_next()
    assert.is_nil(select(2, ended()))
    raw_server.turn(client, function() return #server.requests == CONNECTIONS + 1 end)
  end)
end)
