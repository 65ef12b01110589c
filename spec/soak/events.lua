-- Reads a million events over a socket while more are added, with a reader that is replaced in the middle: each event
-- once, in order, in constant memory. `make soak` runs it.
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"

local at_first = 1000000 -- events that the conversation has at first
local portion, portions = 1000, 9 -- added each time that another tenth was read
local restart_at = 523457 -- the second of three events with the same timestamp
local page = 100

local expected = at_first + portion * portions

-- The simulator writes an event's number into its id.
local function number_of(event)
  return tonumber(event.id:sub(-12), 16)
end

-- Returns the peak memory of this process in megabytes; nil where the system does not tell.
local function peak_memory()
  local file = io.open "/proc/self/status"
  local kilobytes = file and file:read("*a"):match "VmHWM:%s*(%d+)"
  if file then file:close() end
  return kilobytes and kilobytes / 1024
end

describe("a million events", function()
  local server, id
  local read = { count = 0, wrong = 0, pages = 0, lua = {}, process = {} }

  local function open(after)
    local client = canary.client(server, {
      api = "v1",
      log = function(line)
        if line:find "^events " then read.pages = read.pages + 1 end
      end,
    })
    return client, client:events(id, { after = after })
  end

  -- Notes the memory at each tenth, and adds more events.
  local function pass_tenth()
    collectgarbage()
    collectgarbage()
    read.lua[#read.lua + 1] = collectgarbage "count" / 1024
    read.process[#read.process + 1] = peak_memory()
    if #read.lua <= portions then server:add_events(id, portion) end
  end

  setup(function()
    server = simulator.spawn { event_count = at_first, pace = 1000, max_requests = 100 } -- nothing happens by itself
    local starter = canary.client(server, { api = "v1" })
    id = assert(starter:start { initial_user_msg = "x" }).conversation_id
    starter:close()
    local client, events = open()
    local event, err = events:next()
    while event do
      read.count = read.count + 1
      if number_of(event) ~= read.count then read.wrong = read.wrong + 1 end
      if read.count % (at_first / 10) == 0 then pass_tenth() end
      if read.count == restart_at then
        client:close()
        client, events = open(event.id)
      end
      event, err = events:next()
    end
    client:close()
    read.err = err
  end)

  teardown(function() server:close() end)

  it("are read to the end without an error", function()
    assert.is_nil(read.err)
  end)

  it("are read once each, in order, with those that were added meanwhile", function()
    assert.are.same({ expected, 0 }, { read.count, read.wrong })
  end)

  it("take no more pages than they fill, even where the reader was replaced", function()
    assert.is_true(read.pages <= expected / page + 3, ("%d pages"):format(read.pages))
  end)

  it("take constant memory", function()
    local in_lua = read.lua[10] - read.lua[1]
    assert.is_true(in_lua < 1, ("%.1f MB more in Lua"):format(in_lua))
    if read.process[1] then
      local in_process = read.process[10] - read.process[1]
      assert.is_true(in_process < 5, ("%.1f MB more in the process"):format(in_process))
    end
  end)
end)
