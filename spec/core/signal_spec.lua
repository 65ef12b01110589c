-- Ctrl-C while a script waits: the standalone interpreter's "interrupted!" is seen at once, and nothing is lost.
local simulator = require "openhands.simulator"
local uv = require "luv"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

-- Waits, is interrupted, and goes on with the same client.
local program = [[
  local openhands, uv = require "openhands", require "luv"
  local marker, lines = %q, {}
  local client = openhands.new { base_url = %q, api_key = %q, api = "v1", log = function(line)
    lines[#lines + 1] = line
  end }
  local conversation = assert(client:start { initial_user_msg = "[simulate: slow] x" })
  -- Once the spec says so, somebody presses Ctrl-C: a shell, which notes the time right before.
  os.execute(("(while ! [ -e %%s ]; do sleep 0.01; done; date +%%%%s%%%%N >%%s.sent; kill -INT %%d) &")
    :format(marker, marker, uv.os_getpid()))
  local good, problem = pcall(client.wait, client, conversation, { timeout = 20, interval = %d / 1000 })
  local seconds, microseconds = uv.gettimeofday()
  for line in io.lines(marker .. ".sent") do
    print("took", ("%%d"):format((seconds - tonumber(line:sub(1, -10))) * 1e6 + microseconds
      - math.floor(tonumber(line:sub(-9)) / 1000)))
  end
  print("problem", good, type(problem) == "table" and problem.kind or problem)
  -- A call of its own: it must not wait for what was given up.
  local after = assert(client:status(conversation, { timeout = 5, retries = 0 }))
  print("state", after.state)
  client:close()
  print(table.concat(lines, "\n"))
]]

describe("Ctrl-C during a wait", function()
  local server

  setup(function() server = simulator.spawn { pace = 1 } end)
  teardown(function() server:close() end)

  local function go_on_until(is_so)
    for _ = 1, 10000 do
      if is_so() then return end
      uv.sleep(1)
    end
    error("the wait is not where it should be", 2)
  end

  local function has_looked()
    for _, request in ipairs(server:requests()) do
      if request.method == "GET" then return true end
    end
    return false
  end

  local function interrupted(interval)
    local directory, remove = files.directory()
    local marker = directory .. "/waiting"
    local ended = processes.begin_child(program:format(marker, server.address, canary.key, interval * 1000))
    go_on_until(has_looked)
    files.write(marker, "")
    local result = ended()
    remove()
    assert.are.equal("", result.errors)
    assert.are.equal(0, result.code)
    assert.is_truthy(result.output:find("problem\tfalse\t[^\n]*interrupted!"), result.output)
    assert.is_nil(result.output:find(canary.key, 1, true))
    return result.output:match "state\t(%a+)", tonumber(result.output:match "took\t(-?%d+)") / 1e6
  end

  -- The state after it. A machine that holds all up makes it late, too, but not again and again.
  local function interrupted_at_once(interval, faults)
    local took
    for _ = 1, 5 do
      server:reset()
      server:faults(faults)
      local state
      state, took = interrupted(interval)
      if took < 0.15 then return state end
    end
    error("it took " .. took .. " s")
  end

  it("between two polls is noticed at once; the client stays usable, and the job continues", function()
    local state = interrupted_at_once(15, {})
    assert.are.equal("starting", state)
    assert.are.equal(1, server:jobs())
    server:advance(600)
    local client = canary.client(server, { api = "v1" })
    local done = assert(client:wait(server:starts()[1].conversation_id, { interval = 0.01, timeout = 20 }))
    assert.are.equal("finished", done.state)
    assert.are.equal(1, server:jobs())
    client:close()
  end)

  it("during an exchange is noticed at once, too", function()
    -- The first look hangs; the one after the signal does not.
    local hang = { point = "after_read", action = "hang", count = 1, match = { method = "GET" } }
    assert.are.equal("starting", interrupted_at_once(0.5, { hang }))
    assert.are.equal(1, server:jobs())
  end)
end)

-- Starts, and is interrupted in the middle of the check of the fields: by itself, when the core's function begins.
local checking = [[
  local openhands, uv = require "openhands", require "luv"
  local client = openhands.new { base_url = %q, api_key = %q }
  local prepare = client._core.prepare
  debug.sethook(function()
    if debug.getinfo(2, "f").func == prepare then
      debug.sethook()
      uv.kill(uv.os_getpid(), "sigint")
    end
  end, "c")
  local good, problem = pcall(client.start, client, { initial_user_msg = ("x"):rep(1000000) })
  print("problem", good, type(problem) == "table" and tostring(problem) or problem)
  client:close()
]]

describe("Ctrl-C during the check of the fields", function()
  it("is not taken for a mistake in them, and nothing is sent", function()
    local server = simulator.spawn { pace = 1 }
    local result = processes.begin_child(checking:format(server.address, canary.key))()
    assert.are.equal("", result.errors)
    assert.is_truthy(result.output:find("^problem\tfalse\t[^\n]*interrupted!\n$"), result.output)
    assert.are.equal(0, #server:requests())
    server:close()
  end)
end)
