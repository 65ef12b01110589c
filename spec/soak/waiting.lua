-- A thousand conversations, each waited for by a task of its own, looked at a hundred times each over a socket: what a
-- wait costs, and whether anything grows. `make soak` runs it.
local simulator = require "openhands.simulator"
local wire = require "spec.support.wire"

local count, polls_each = 1000, 100
local interval = 0.05 -- seconds between looks: a batch of 99 after the other
local bytes_allowed = 8192 -- per wait, above the conversation itself
-- Whoever has once asked for all of them has had a deeper stack, which Lua keeps.
local bytes_of_stack = 1536

local function in_lua()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

-- Bytes of memory that this process has now; nil where nobody tells.
local function in_process()
  local file = io.open "/proc/self/statm"
  local pages = file and tonumber(file:read("*a"):match "^%d+ (%d+)")
  if file then file:close() end
  return pages and pages * 4096
end

describe("a thousand waits at once", function()
  local server, client
  local ids, states, looks = {}, {}, 0
  local per_conversation, per_wait
  local seen = {} -- at a tenth of the looks, and at the end of them
  local first_error

  local function note()
    seen[#seen + 1] = { lua = in_lua(), process = in_process(), descriptors = wire.descriptors() }
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

  -- Bytes of one that is held.
  local function weigh_conversation()
    local before = in_lua()
    local held = assert(client:get(ids))
    local bytes = (in_lua() - before) / count
    assert(held[ids[1]].state == "running" and held[ids[count]].state == "running")
    return bytes
  end

  setup(function()
    server = simulator.spawn { pace = 1000, max_requests = 100 } -- nothing ends before time jumps
    client = wire.client(server, {
      api = "v1",
      log = function(line)
        if line:find "^status .* answered" then looks = looks + 99 end -- of a batch
      end,
    })
    ids = start_all()
    server:advance(30000) -- all run now, and go on for hours
    per_conversation = weigh_conversation()
    local before = in_lua()
    local told, tasks = 0, {}
    for i, id in ipairs(ids) do
      tasks[i] = client:spawn(function()
        local done, err = client:wait(id, {
          interval = interval,
          on_change = function(now)
            told = told + 1
            states[now.state] = (states[now.state] or 0) + 1
          end,
        })
        first_error = first_error or err
        return done and done.state
      end)
    end
    while told < count and not first_error do client:sleep(0.01) end
    per_wait = (in_lua() - before) / count - per_conversation
    looks = 0
    while looks < count * polls_each / 10 do client:sleep(0.1) end
    note()
    while looks < count * polls_each do client:sleep(0.1) end
    note()
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

  it("all see their conversation run, and end", function()
    assert.is_nil(first_error)
    assert.same({ running = count, finished = count, ended = count }, states)
  end)

  it("cost little above the conversation", function()
    print(("a conversation %.0f bytes, its wait %.0f more"):format(per_conversation, per_wait))
    assert.is_true(per_wait <= bytes_allowed, ("%.0f bytes"):format(per_wait))
  end)

  it("leave memory and descriptors as they were over a hundred thousand looks", function()
    assert.is_true(looks >= count * polls_each)
    local first, last = seen[1], seen[2]
    local more = last.lua - first.lua
    print(("%.0f KB more in Lua"):format(more / 1024))
    assert.is_true(more < count * bytes_of_stack, ("%.0f bytes more in Lua"):format(more))
    assert.is_true(more / count + per_wait <= bytes_allowed)
    assert.equal(first.descriptors, last.descriptors)
    if first.process then
      more = last.process - first.process
      print(("%.0f KB more in the process"):format(more / 1024))
      assert.is_true(more < 4 * 1024 * 1024, ("%.0f bytes more in the process"):format(more))
    end
  end)
end)
