-- Ctrl-C while a script waits: the standalone interpreter's "interrupted!" is seen at once, and nothing is lost.
local simulator = require "openhands.simulator"
local wire = require "spec.support.wire"

-- Waits, is interrupted, and goes on with the same client.
local program = [[
  local openhands, uv = require "openhands", require "luv"
  local client = openhands.new { base_url = %q, api_key = %q, api = "v1", log = print }
  local conversation = assert(client:start { initial_user_msg = "[simulate: slow] x" })
  -- Once the wait has begun, somebody presses Ctrl-C: a shell, which notes the time right before.
  local marker = %q
  os.execute(("(while ! [ -e %%s ]; do :; done; date +%%%%s.%%%%N >%%s.sent; kill -INT %%d) &")
    :format(marker, marker, uv.os_getpid()))
  io.open(marker, "w"):close()
  local good, problem = pcall(client.wait, client, conversation, { timeout = 20, interval = %s })
  local seconds, microseconds = uv.gettimeofday()
  for line in io.lines(marker .. ".sent") do
    print("took", ("%%.4f"):format(seconds + microseconds / 1e6 - tonumber(line)))
  end
  print("problem", good, type(problem) == "table" and problem.kind or problem)
  -- A call of its own: it must not wait for what was given up.
  local after = assert(client:status(conversation, { timeout = 5, retries = 0 }))
  print("state", after.state)
  client:close()
]]

describe("Ctrl-C during a wait", function()
  local server

  setup(function() server = simulator.spawn { pace = 1 } end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  local function interrupted(interval)
    local directory, remove = wire.directory()
    local result = wire.child(program:format(server.address, wire.key, directory .. "/waiting", interval))
    remove()
    assert.are.equal("", result.errors)
    assert.are.equal(0, result.code)
    assert.is_truthy(result.output:find("problem\tfalse\t[^\n]*interrupted!"), result.output)
    local took = tonumber(result.output:match "took\t([%d.-]+)")
    assert.is_true(took < 0.15, "it took " .. took .. " s")
    assert.is_nil(result.output:find(wire.key, 1, true))
    return result.output:match "state\t(%a+)"
  end

  it("between two looks is seen at once, the client is as good as before, and the job goes on", function()
    local state = interrupted(15)
    assert.are.equal("starting", state)
    assert.are.equal(1, server:jobs())
    server:advance(600)
    local client = wire.client(server, { api = "v1" })
    local done = assert(client:wait(server:starts()[1].conversation_id, { interval = 0.01, timeout = 20 }))
    assert.are.equal("finished", done.state)
    assert.are.equal(1, server:jobs())
    client:close()
  end)

  it("during an exchange is seen at once too", function()
    -- The first look hangs; the one after the signal does not.
    server:faults { { point = "after_read", action = "hang", count = 1, match = { method = "GET" } } }
    assert.are.equal("starting", interrupted(0.5))
    assert.are.equal(1, server:jobs())
  end)
end)
