-- How many functions and files of this library one call passes: a reader follows them all, and so does the processor.
-- The ceilings are what a call may grow to; reached are 61 calls in 8 files for a first start, 36 in 8 for a status, 29
-- in 7 for a plain row, 42 in 7 for a page of events, and about 1,350 in 12 for a whole wait.
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local is_simulator_running = false

-- Returns a transport to the simulator, whose own calls are not counted.
local function transport()
  local inner = simulator.transport(simulator.model {})
  return setmetatable({
    request = function(_, request)
      is_simulator_running = true
      local response = inner:request(request)
      is_simulator_running = false
      return response
    end,
  }, { __index = inner })
end

-- Returns how many functions of this library a function calls, and their files.
local function count(run)
  local calls, files, list = 0, {}, {}
  debug.sethook(function()
    local callee = debug.getinfo(2, "S")
    local file = callee.what ~= "C" and callee.source:match "lua/openhands/(.*)%.lua$"
    if file and not is_simulator_running and not file:find "^simulator" then
      calls = calls + 1
      files[file] = (files[file] or 0) + 1
    end
  end, "c")
  local value, err = run()
  debug.sethook()
  assert(value, tostring(err))
  for file, number in pairs(files) do list[#list + 1] = file .. ": " .. number end
  table.sort(list)
  return calls, list
end

local function assert_at_most(most_calls, most_files, run)
  local calls, files = count(run)
  local passed = ("%d calls in %d files:\n%s"):format(calls, #files, table.concat(files, "\n"))
  assert.is_true(calls <= most_calls and #files <= most_files, passed)
end

describe("the number of functions that a call passes", function()
  local jit = rawget(_G, "jit") -- compiled code calls no hook
  local client, conversation

  local function connect()
    client = openhands.new { transport = transport(), api_key = "k", base_url = "http://127.0.0.1:1" }
  end

  setup(function()
    if jit then
      jit.off()
      jit.flush()
    end
    connect()
    local first = assert(client:run { initial_user_msg = "Load the modules.", repository = "owner/repo" })
    assert(client:credits() and client:events(first)() and client:status(first))
    client:close()
    connect()
  end)

  teardown(function()
    client:close()
    if jit then jit.on() end
  end)

  it("is small for a first start, which finds out the dialect", function()
    assert_at_most(82, 9, function()
      conversation = client:start { initial_user_msg = "Fix it.", repository = "owner/repo" }
      return conversation
    end)
  end)

  it("is small for a status", function()
    assert_at_most(59, 8, function() return client:status(conversation) end)
  end)

  it("is small for a plain row", function()
    assert_at_most(42, 8, function() return client:credits() end)
  end)

  it("is small for a whole wait", function()
    assert_at_most(1990, 12, function() return client:wait(conversation) end)
  end)

  it("is small for a page of events", function()
    local events = client:events(conversation)
    assert_at_most(65, 9, function() return events() end)
  end)
end)
