-- Waits for a thousand conversations, each in a task of its own and polled a hundred and fifty times over a socket:
-- measures the memory of a wait, and whether anything grows. `make soak` runs it.
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"
local processes = require "spec.support.processes"

local count, polls_each = 1000, 180
local warm_up_polls = 60 -- of each: until then the process grows by the garbage of the polls
local interval = 0.05 -- seconds between polls: one batch of 99 after the other
local bytes_allowed = 8192 -- of Lua's memory per wait, besides the conversation itself
-- Of the process, per wait: when all wait, and after many polls, when there is as much garbage as live data. More would
-- be memory that Lua does not know of. Lua before 5.4 allows more garbage.
-- LuaJIT has an allocator of its own, so the growth of the process shows what C takes. PUC's Lua shares that of C: its
-- garbage and the buffers of libcurl lie between each other, which makes a difference of some megabytes.
local has_own_allocator = rawget(_G, "jit") ~= nil
local process_bytes_allowed, process_bytes_later = 16384, 24576
local is_frugal = has_own_allocator or not ("Lua 5.1 Lua 5.2 Lua 5.3"):find(_VERSION, 1, true)
-- Over a hundred and twenty thousand polls: less than two bytes of Lua's memory for each, besides the conversations of
-- two batches, which may be in flight and not yet taken; and thirteen of the process with LuaJIT, because fragmentation
-- makes a difference of about a megabyte.
local lua_growth_allowed, process_growth_allowed = 192 * 1024, (has_own_allocator and 1536 or 4608) * 1024

-- Returns the bytes of memory of Lua, without garbage and without the code that LuaJIT has compiled.
local function in_lua()
  local jit = rawget(_G, "jit")
  if jit then jit.flush() end
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

-- Returns the bytes of memory of this process; 0 where the system does not tell.
local function in_process()
  local file = io.open "/proc/self/statm"
  local pages = file and tonumber(file:read("*a"):match "^%d+ (%d+)") or 0
  if file then file:close() end
  return pages * 4096
end

-- The program `lua` of 5.4 collects by generations: how much garbage it lets grow would be measured.
if _VERSION > "Lua 5.3" then collectgarbage "incremental" end

describe("a thousand waits at once", function()
  local server, client
  local ids, states, polls = {}, {}, 0
  local per_conversation, per_wait, process_per_wait, process_later
  local seen = {} -- after the warm-up, and at the end of the polls
  local first_error

  -- Notes the minimum of several measurements: in many of them a batch is in flight.
  local function note()
    local least = { lua = math.huge, process = math.huge, descriptors = math.huge }
    for i = 1, 100 do
      least.lua, least.process = math.min(least.lua, in_lua()), math.min(least.process, in_process())
      least.descriptors = math.min(least.descriptors, processes.descriptors())
      client:sleep(i % 25 / 1000)
    end
    seen[#seen + 1] = least
  end

  local function start_all()
    local starts = {}
    for i = 1, count do
      starts[i] = function()
        return assert(client:start { initial_user_msg = "number " .. i }).conversation_id
      end
    end
    return assert(client:all(starts, { concurrency = 20 }))
  end

  -- Returns the bytes of one conversation.
  local function weigh_conversation()
    local before = in_lua()
    local held = assert(client:get(ids))
    local bytes = (in_lua() - before) / count
    assert(held[ids[1]].state == "running" and held[ids[count]].state == "running")
    return bytes
  end

  -- A task that has once polled keeps a larger stack: that belongs to the cost of a wait, not to the growth. So every
  -- task polls before the waits start, from a little deeper in the stack than it will then.
  local function poll_once(depth)
    if (depth or 0) < 3 then
      local results = { poll_once((depth or 0) + 1) }
      return results[1]
    end
    local some = {}
    for i = 1, 10 do some[i] = ids[i] end
    local _, err = client:wait_all(some, { timeout = 0, interval = interval })
    assert(err.kind == "timeout" and err.conversations[10].state == "running")
  end

  -- Returns something for which tasks wait until it is open.
  local function new_gate()
    local gate = {}
    gate.task = client:spawn(function()
      while not gate.is_open do client:sleep(0.01) end
    end)
    return gate
  end

  setup(function()
    server = simulator.spawn { pace = 1000, max_requests = 100 } -- nothing ends before `advance`
    client = canary.client(server, {
      api = "v1",
      log = function(line)
        if line:find "^status .* answered" then polls = polls + 99 end -- of a batch
      end,
    })
    ids = start_all()
    server:advance(30000) -- all are running now, for hours
    per_conversation = weigh_conversation()
    local before, process_before = in_lua(), in_process()
    local changes, tasks = 0, {}
    local gate = new_gate()
    for i, id in ipairs(ids) do
      local has_polled = false
      tasks[i] = client:spawn(function()
        poll_once()
        has_polled = true
        gate.task:wait()
        local done, err = client:wait(id, {
          interval = interval,
          on_change = function(now)
            changes = changes + 1
            states[now.state] = (states[now.state] or 0) + 1
          end,
        })
        first_error = first_error or err
        return done and done.state
      end)
      while not has_polled do
        assert(not tasks[i]:done(), "it has not polled")
        client:sleep(0.001)
      end
    end
    gate.is_open = true
    while changes < count and not first_error do client:sleep(0.01) end
    process_per_wait = (in_process() - process_before) / count - per_conversation
    per_wait = (in_lua() - before) / count - per_conversation
    polls = 0
    while polls < count * warm_up_polls do client:sleep(0.1) end
    note()
    while polls < count * polls_each do client:sleep(0.1) end
    note()
    process_later = (seen[2].process - process_before) / count - per_conversation
    server:advance(1e6)
    local ended = 0
    for _, task in ipairs(tasks) do
      if task:wait() == "finished" then ended = ended + 1 end
    end
    states.ended = ended
  end)

  teardown(function()
    client:close()
    server:close()
  end)

  it("see their conversations run, and end", function()
    assert.is_nil(first_error)
    assert.same({ running = count, finished = count, ended = count }, states)
  end)

  it("take little memory besides the conversation", function()
    print(("a conversation %.0f bytes, its wait %.0f more"):format(per_conversation, per_wait))
    assert.is_true(per_wait <= bytes_allowed, ("%.0f bytes"):format(per_wait))
    print(("of the process %.0f, and %.0f after many polls"):format(process_per_wait, process_later))
    if not is_frugal then return end
    assert.is_true(process_per_wait <= process_bytes_allowed, ("%.0f bytes of the process"):format(process_per_wait))
    assert.is_true(process_later <= process_bytes_later, ("%.0f bytes of the process later"):format(process_later))
  end)

  it("take constant memory and descriptors over a hundred and twenty thousand polls", function()
    assert.is_true(polls >= count * polls_each)
    local first, last = seen[1], seen[2]
    local in_lua_more, in_process_more = last.lua - first.lua, last.process - first.process
    print(("%.0f KB more in Lua, %.0f KB in the process"):format(in_lua_more / 1024, in_process_more / 1024))
    assert.equal(first.descriptors, last.descriptors)
    local batches = 2 * 99 * per_conversation
    assert.is_true(in_lua_more <= lua_growth_allowed + batches, ("%.0f bytes more in Lua"):format(in_lua_more))
    assert.is_true(in_process_more <= process_growth_allowed, ("%.0f bytes more in all"):format(in_process_more))
  end)
end)
