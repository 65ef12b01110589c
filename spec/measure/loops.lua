-- Measures what waiting costs in plain Lua and in each loop that is a library: the time that the loop adds to a call,
-- and the CPU time while the client is idle, a task sleeps, or calls hang. Each attempt is a process of its own. Noise
-- only ever adds, so the best of a few counts. Ends with `N passed, N failed`.
local core = require "openhands.core"

local calls = 200 -- one after the other
local longest = 0.001 -- seconds that a loop may add to the median call
local busiest = 0.01 -- seconds of CPU
local idle_for = 2 -- seconds
local hanging = 8 -- calls
local sent_after = 0.2 -- seconds after which all of them are sent
local attempts, least = 5, 3 -- one slow attempt of plain Lua would flatter the others
local attempts_at_rest = 4

local rests = {
  { "asleep", "CPU while a task sleeps" },
  { "hung", ("CPU while %d calls hang"):format(hanging) },
  { "shared", ("CPU while %d of two clients hang"):format(hanging) },
  { "outside", "CPU while one hangs, outside tasks" },
  { "idle", "CPU while the client is idle" },
}

-- In a process of its own: how each host runs a function, and passes time by itself -------------------------------

local hosts = {}

function hosts.plain(client, run)
  run()
  return function(seconds) client:sleep(seconds) end
end

function hosts.uv(client, run)
  local uv = require "luv"
  local task = client:spawn(run)
  uv.run()
  assert(not select(2, task:wait()))
  return function(seconds)
    local timer = uv.new_timer()
    timer:start(seconds * 1000, 0, function() timer:close() end)
    uv.run()
  end
end

function hosts.cqueues(_, run)
  local cqueues = require "cqueues"
  local function loop(each)
    local controller = cqueues.new()
    controller:wrap(each)
    assert(controller:loop())
  end
  loop(run)
  return function(seconds) loop(function() cqueues.sleep(seconds) end) end
end

function hosts.copas(_, run)
  local copas = require "copas"
  local ended = false
  copas.addthread(function()
    run()
    ended = true
  end)
  while not ended do copas.step() end
  return function(seconds)
    local ends_at = core.monotonic() + seconds
    repeat copas.step(ends_at - core.monotonic()) until core.monotonic() >= ends_at
  end
end

local function median(values)
  table.sort(values)
  return values[math.floor(#values / 2) + 1]
end

local modes = {}

local function median_of_calls(client)
  local took = {}
  for index = -9, calls do -- the first few warm up
    local before = core.monotonic()
    assert(client:me())
    took[math.max(index, 1)] = core.monotonic() - before
  end
  return median(took)
end

function modes.calls(new_client, loop, address)
  local client, inside = new_client(address), nil
  hosts[loop](client, function() inside = median_of_calls(client) end)
  print(("inside=%.6f outside=%.6f"):format(inside, median_of_calls(client)))
end

local function cpu_of(run, ...)
  local before = os.clock()
  run(...)
  return os.clock() - before
end

local function cpu_while_hanging(clients)
  local tasks = {}
  for i = 1, hanging do
    local client = clients[i % #clients + 1]
    tasks[i] = client:spawn(function() return client:request { path = "/" } end)
  end
  clients[1]:sleep(sent_after)
  local spent = cpu_of(clients[1].sleep, clients[1], idle_for)
  for _, task in ipairs(tasks) do
    assert(not task:done(), "it did not hang")
    task:cancel()
    task:wait()
  end
  return spent
end

function modes.rest(new_client, loop, address, silent)
  local client, one, other = new_client(address), new_client(silent), new_client(silent)
  local found = {}
  local pass_time = hosts[loop](client, function()
    assert(client:me())
    local task = client:spawn(function() client:sleep(idle_for) end)
    found.asleep = cpu_of(task.wait, task)
    found.hung = cpu_while_hanging { one }
    found.shared = cpu_while_hanging { one, other }
  end)
  found.outside = cpu_of(function()
    assert(select(2, one:request({ path = "/" }, { deadline = idle_for })).kind == "timeout")
  end)
  found.idle = cpu_of(pass_time, idle_for)
  for name, seconds in pairs(found) do io.write(("%s=%.6f "):format(name, seconds)) end
end

local function attempt(mode, loop, ...)
  modes[mode](function(address)
    return require("openhands").new { base_url = address, api_key = "any", api = "v1", loop = loop }
  end, loop, ...)
end

-- All of them ---------------------------------------------------------------------------------------------------------

local function measured(processes, ...)
  local words = {}
  for index, word in ipairs { processes.interpreter(), "spec/measure/loops.lua", ... } do
    words[index] = processes.quoted(word)
  end
  local program = assert(io.popen("exec env -u OPENHANDS_LOG " .. table.concat(words, " ")))
  local found = {}
  for name, value in (program:read "*a"):gmatch "(%S+)=(%S+)" do found[name] = tonumber(value) end
  program:close()
  return found
end

-- The kernel accepts its connections, and nothing reads from them.
local function silent_server()
  local listener = require("luv").new_tcp()
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(64, function() end))
  return "http://127.0.0.1:" .. listener:getsockname().port, listener
end

-- Returns the best of each figure, of as many attempts as it takes until they are good.
local function best_of(most, is_good, ...)
  local best = {}
  for count = 1, most do
    for name, value in pairs(measured(...)) do best[name] = math.min(best[name] or math.huge, value) end
    if is_good(best, count) then break end
  end
  return best
end

local function is_at_rest(best)
  for _, rest in ipairs(rests) do
    if (best[rest[1]] or math.huge) > busiest then return false end
  end
  return true
end

local function main()
  local processes = require "spec.support.processes"
  local server = require("openhands.simulator").spawn { pace = 0 }
  local silent, listener = silent_server()
  local passed, failed = 0, 0
  local function row(loop, what, value, limit)
    local good = value ~= nil and value <= limit
    passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
    print(("%-8s %-38s %8s ms, at most %6.3f  %s"):format(loop, what, value and ("%.3f"):format(value * 1000) or "-",
      limit * 1000, good and "ok" or "FAIL"))
  end
  local loops = { "plain", "uv", "cqueues", "copas" }
  if not pcall(require, "copas") then loops[4] = nil end -- Debian has none for some Luas
  print(("%d calls one after the other, then %g s of each rest, with %s and %s"):format(calls, idle_for, _VERSION,
    select(2, core.version())))
  local plain
  local function is_fast(best, count)
    return count >= least and (not plain or best.inside and math.max(best.inside, best.outside) - plain <= longest)
  end
  for _, loop in ipairs(loops) do
    local best = best_of(attempts, is_fast, processes, "calls", loop, server.address)
    print(("%-8s %-38s %8.3f ms"):format(loop, "a call (median)", (best.inside or 0) * 1000))
    if loop == "plain" then
      plain = assert(best.inside, "plain Lua has crashed")
    else
      row(loop, "added by the loop", best.inside and best.inside - plain, longest)
      row(loop, "added outside the loop", best.outside and best.outside - plain, longest)
    end
    best = best_of(attempts_at_rest, is_at_rest, processes, "rest", loop, server.address, silent)
    for _, rest in ipairs(rests) do row(loop, rest[2], best[rest[1]], busiest) end
  end
  listener:close()
  server:close()
  print(("%d passed, %d failed"):format(passed, failed))
  os.exit(failed == 0 and 0 or 1)
end

if arg[1] then
  attempt((table.unpack or unpack)(arg)) -- luacheck: ignore 143
else
  main()
end
