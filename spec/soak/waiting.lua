-- Waits for a thousand conversations, each in a task of its own and polled some two hundred times over a socket:
-- measures the memory of a wait, and whether anything grows. `make soak` runs it.
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local count, polls_each = 1000, 150
local warm_up_polls = 30 -- of each: until then the process grows by the garbage of the polls
local interval = 0.5 -- seconds between polls: longer than those of all take, so that there are pauses
local bytes_allowed = 8192 -- of Lua's memory per wait, besides the conversation itself
-- Memory that C has in use, besides that of Lua: per wait, and more of it over a hundred and twenty thousand polls.
local c_bytes_allowed, c_growth_allowed = 4096, 64 * 1024
-- Over as many polls: less than two bytes of Lua's memory for each.
local lua_growth_allowed = 192 * 1024
-- The memory of the process, where the C library cannot tell and Lua has an allocator of its own: malloc spreads out
-- the garbage of another Lua by some megabytes. Per wait: when all wait, and after many polls, when there is as much
-- garbage as live data; and more over the polls, because fragmentation makes a difference of a megabyte.
local process_bytes_allowed, process_bytes_later, process_growth_allowed = 12288, 24576, 1536 * 1024
local has_own_allocator = rawget(_G, "jit") ~= nil

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

-- Builds the module `allocated`; nil where the C library cannot tell.
local function load_allocated()
  local directory, remove = files.directory()
  local built = os.execute(("${CC:-cc} -shared -fPIC -I$(tools/lua.sh incdir %s) -o %s/allocated.so spec/c/allocated.c")
    :format(processes.quoted(processes.interpreter()), directory))
  local allocated = (built == true or built == 0) and
    assert(package.loadlib(directory .. "/allocated.so", "luaopen_allocated"))()
  remove()
  return allocated or nil
end

describe("a thousand waits at once", function()
  local server, client
  local ids, states, polls = {}, {}, 0
  local allocated = load_allocated()
  local per_conversation, per_wait, c_per_wait, process_per_wait, process_later
  local seen = {} -- after the warm-up, and at the end of the polls
  local first_error

  local function in_c()
    return allocated and allocated() - (has_own_allocator and 0 or collectgarbage "count" * 1024) or 0
  end

  -- Notes the minimum of measurements while all are polled sixteen times. During a poll of all, old conversations are
  -- kept beside new ones.
  local function note()
    local least = { lua = math.huge, c = math.huge, process = math.huge, descriptors = math.huge }
    local function sample(name, value) least[name] = math.min(least[name], value) end
    local last = polls + 16 * count
    while polls < last do
      sample("lua", in_lua())
      sample("c", in_c())
      sample("process", in_process())
      sample("descriptors", processes.descriptors())
      client:sleep(0.005)
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
    local before, c_before, process_before = in_lua(), in_c(), in_process()
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
    c_per_wait = (in_c() - c_before) / count
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
    print(("a conversation %.0f bytes, its wait %.0f more, and %.0f in C"):format(per_conversation, per_wait,
      c_per_wait))
    print(("of the process %.0f, and %.0f after many polls"):format(process_per_wait, process_later))
    assert.is_true(per_wait <= bytes_allowed, ("%.0f bytes"):format(per_wait))
    assert.is_true(c_per_wait <= c_bytes_allowed, ("%.0f bytes in C"):format(c_per_wait))
    if allocated or not has_own_allocator then return end
    assert.is_true(process_per_wait <= process_bytes_allowed, ("%.0f bytes of the process"):format(process_per_wait))
    assert.is_true(process_later <= process_bytes_later, ("%.0f bytes of the process later"):format(process_later))
  end)

  it("take constant memory and descriptors over a hundred and twenty thousand polls", function()
    assert.is_true(polls >= count * polls_each)
    local first, last = seen[1], seen[2]
    local in_lua_more, in_process_more, in_c_more = last.lua - first.lua, last.process - first.process, last.c - first.c
    print(("%.0f KB more in Lua, %.0f KB in C, %.0f KB in the process"):format(in_lua_more / 1024, in_c_more / 1024,
      in_process_more / 1024))
    assert.equal(first.descriptors, last.descriptors)
    assert.is_true(in_lua_more <= lua_growth_allowed, ("%.0f bytes more in Lua"):format(in_lua_more))
    assert.is_true(in_c_more <= c_growth_allowed, ("%.0f bytes more in C"):format(in_c_more))
    if allocated or not has_own_allocator then return end
    assert.is_true(in_process_more <= process_growth_allowed, ("%.0f bytes more in all"):format(in_process_more))
  end)
end)
