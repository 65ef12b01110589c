-- What waiting in cqueues and in copas costs over waiting in plain Lua: the time that each adds to a call, and the CPU
-- time of a process whose client is idle, or whose task sleeps. Each figure is of a process of its own; noise only ever
-- adds, so that the best of a few attempts counts. Ends with `N passed, N failed`.
local core = require "openhands.core"

local calls = 200 -- one after the other
local longest = 0.001 -- seconds that a loop may add to a call, in the middle of them
local busiest = 0.01 -- seconds of CPU
local idle_for = 2 -- seconds
local attempts, least = 5, 3 -- a single slow one of plain Lua's would flatter the others

-- In a process of its own: what a loop's host does with functions, and how it passes time by itself ------------------

local hosts = {}

function hosts.plain(client, run)
  run()
  return function(seconds) client:sleep(seconds) end
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

local function attempt(loop, address)
  local client = require("openhands").new { base_url = address, api_key = "any", api = "v1", loop = loop }
  local took, asleep = {}, nil
  local pass_time = hosts[loop](client, function()
    for index = -9, calls do -- the first few warm up
      local before = core.monotonic()
      assert(client:me())
      took[math.max(index, 1)] = core.monotonic() - before
    end
    local task = client:spawn(function() client:sleep(idle_for) end)
    local before = os.clock()
    task:wait()
    asleep = os.clock() - before
  end)
  local before = os.clock()
  pass_time(idle_for)
  print(("median=%.6f asleep=%.6f idle=%.6f"):format(median(took), asleep, os.clock() - before))
end

-- All of them ---------------------------------------------------------------------------------------------------------

local function measured(wire, loop, address)
  local words = {}
  for index, word in ipairs { wire.interpreter(), "spec/measure/loops.lua", loop, address } do
    words[index] = wire.quoted(word)
  end
  local program = assert(io.popen("exec env -u OPENHANDS_LOG " .. table.concat(words, " ")))
  local found = {}
  for name, value in (program:read "*a"):gmatch "(%S+)=(%S+)" do found[name] = tonumber(value) end
  program:close()
  return found
end

local function main()
  local wire = require "spec.support.wire"
  local server = require("openhands.simulator").spawn { pace = 0 }
  local passed, failed = 0, 0
  local best = {} -- by loop
  local function row(loop, what, value, limit)
    local good = value ~= nil and value <= limit
    passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
    print(("%-8s %-38s %8s ms, at most %6.3f  %s"):format(loop, what, value and ("%.3f"):format(value * 1000) or "-",
      limit * 1000, good and "ok" or "FAIL"))
  end
  local loops = { "plain", "cqueues", "copas" }
  if not pcall(require, "copas") then loops[3] = nil end -- Debian has none for this Lua
  print(("%d calls one after the other, then %g s without any, with %s and %s"):format(calls, idle_for, _VERSION,
    select(2, core.version())))
  local function is_good(loop)
    local mine, plain = best[loop], best.plain
    return mine.median and (mine.median - plain.median) <= longest and mine.asleep <= busiest and mine.idle <= busiest
  end
  for _, loop in ipairs(loops) do
    best[loop] = {}
    for count = 1, attempts do
      for name, value in pairs(measured(wire, loop, server.address)) do
        best[loop][name] = math.min(best[loop][name] or math.huge, value)
      end
      if count >= least and is_good(loop) then break end
    end
  end
  server:close()
  print(("plain    %-38s %8.3f ms"):format("a call, in the middle", best.plain.median * 1000))
  for _, loop in ipairs(loops) do
    local mine = best[loop]
    if loop ~= "plain" then
      print(("%-8s %-38s %8.3f ms"):format(loop, "a call, in the middle", (mine.median or 0) * 1000))
      row(loop, "that is added by the loop", mine.median and mine.median - best.plain.median, longest)
    end
    row(loop, "CPU while a task sleeps", mine.asleep, busiest)
    row(loop, "CPU while the client is idle", mine.idle, busiest)
  end
  print(("%d passed, %d failed"):format(passed, failed))
  os.exit(failed == 0 and 0 or 1)
end

if arg[1] then
  attempt(arg[1], arg[2])
else
  main()
end
