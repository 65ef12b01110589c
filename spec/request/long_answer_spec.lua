-- Answers that are read in slices, seen by a program: other tasks go on, and a virtual clock stands still.

local openhands = require "openhands"

local items = {}
for index = 1, 30000 do items[index] = ('{"number":%d}'):format(index) end
local body = "[" .. table.concat(items, ",") .. "]"

-- A client whose transport has a clock of its own; returns it and the clock.
local function new_client()
  local clock = { now = 0, sleeps = 0 }
  local client = openhands.new {
    api = "v1", api_key = "any", retries = 0, transport = {
      now = function() return clock.now end,
      wall = function() return 1.8e9 + clock.now end,
      sleep = function(seconds)
        clock.now, clock.sleeps = clock.now + seconds, clock.sleeps + 1
      end,
      request = function()
        return { status = 200, headers = { { "Content-Type", "application/json" } }, body = body }
      end,
    },
  }
  return client, clock
end

describe("a long answer", function()
  it("outside tasks is returned as any other", function()
    local client, clock = new_client()
    local list = assert(client:request { path = "/x" })
    assert.equal(30000, #list)
    assert.equal(30000, list[30000].number)
    assert.equal(0, clock.sleeps)
    assert.is_false(client:_is_reading())
    client:close()
  end)

  it("lets other tasks go on, and no virtual time passes while it is read", function()
    local client, clock = new_client()
    local steps = 0
    local reader = client:spawn(function() return client:request { path = "/x" } end)
    local other = client:spawn(function()
      while not reader:done() do
        client:sleep(0)
        steps = steps + 1
      end
    end)
    assert.equal(30000, #assert(reader:wait()))
    other:wait()
    assert.is_true(steps >= 2, tostring(steps))
    assert.equal(0, clock.now)
    client:close()
  end)

  it("ends with its task when that is cancelled", function()
    local client = new_client()
    local reader = client:spawn(function() return client:request { path = "/x" } end)
    repeat client:sleep(0) until client:_is_reading()
    assert.is_true(reader:cancel())
    local value, err = reader:wait()
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.is_false(client:_is_reading())
    assert.equal(30000, #assert(client:request { path = "/x" }))
    client:close()
  end)

  it("to a write is read to its end even if its task is cancelled", function()
    local client = new_client()
    local writer = client:spawn(function() return client:request { method = "POST", path = "/x", body = {} } end)
    repeat client:sleep(0) until client:_is_reading()
    writer:cancel()
    local value = writer:wait()
    assert.equal(30000, #assert(value))
    client:close()
  end)

  it("ends when the client is closed", function()
    local client = new_client()
    local reader = client:spawn(function() return client:request { path = "/x" } end)
    repeat client:sleep(0) until client:_is_reading()
    client:close()
    local value, err = reader:wait()
    assert.is_nil(value)
    assert.equal("closed", err.kind)
  end)
end)
