-- This library.
local work = require "work"
local openhands = require "openhands"

if work.name == "version" then
  print("openhands " .. openhands.version)
  return
end

local client = assert(openhands.new {
  base_url = work.base,
  api_key = "bench",
  api = (work.name == "v1" or work.name == "events" or work.name == "start"
    or work.name == "watch") and "v1" or "v0",
  ca_file = os.getenv "BENCH_CA",
  connections = work.name == "many" and work.in_flight or nil, -- as the C program has
})

local function status(id)
  assert(assert(client:status(id)).conversation_id == id)
end

local calls = { v0 = status, v1 = status, first = status }

function calls.events(id)
  assert(#assert(client:events(id):page()) == 100)
end

function calls.start()
  assert(client:start { initial_user_msg = "Fix the typo in README.md.", repository = "acme/widgets" })
end

-- Waits for as many conversations as shall be in flight. Prints the microseconds of CPU for one poll of each of them,
-- the peak of the memory in KB, and the requests for one poll of each.
local function watch()
  local interval = work.in_flight > 1000 and 4 or 1 -- seconds, which all the requests fit into
  local ids = {}
  for place = 1, work.in_flight do
    ids[place] = ("a"):rep(20) .. ("%012x"):format(place)
  end
  local waiting = client:spawn(function()
    return client:wait_all(ids, { interval = interval })
  end)
  local function count()
    return assert(client:request { path = "/requests" })
  end
  client:sleep(2 * interval)
  local before = os.clock()
  count()
  client:sleep(work.count * interval)
  local counted = count()
  work.count = counted.ids / work.in_flight
  work.report(before, ("%.2f"):format(counted.requests / work.count))
  waiting:cancel()
end

if work.name == "watch" then
  watch()
elseif work.name:find "^many" then
  local take, finish = work.queue()
  local tasks = {}
  for place = 1, work.in_flight do
    tasks[place] = client:spawn(function()
      for id in take do
        status(id)
        finish()
      end
    end)
  end
  for _, task in ipairs(tasks) do
    local _, err = task:wait()
    assert(not err, err)
  end
else
  work.sequence(calls[work.name] or work.unsupported)
end
client:close()
