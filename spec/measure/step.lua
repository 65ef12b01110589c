-- Measures how long one call of the core blocks its host when the server misbehaves, and how late whole calls end after
-- their deadlines. Each attempt is the worst of one process of its own, so that it includes what happens only once.
-- Noise may spoil an attempt, so the majority counts. Ends with `N passed, N failed`.
local core = require "openhands.core"
local files, processes -- loaded by the parent alone

local longest = 0.005 -- seconds of one call
local latest = 0.1 -- seconds that a call may be late, and that a process may take to end
local needed = 3 -- attempts within the limits, before as many are beyond them
local lookup_takes = 30 -- seconds
local middle = 0.25 -- seconds after the start
local deadline = 0.5 -- seconds of a whole call
local tolerance = 0.002 -- seconds: some clocks count in milliseconds

local now = core.monotonic
local id = "0123456789abcdef0123456789abcdef"
local key = "sk-canary-5f2c91d7e0ab"

-- All certificates that Debian trusts.
local bundle = "/etc/ssl/certs/ca-certificates.crt"

-- What goes wrong: the scheme, the port of the server below that causes it, and the `ca_file`.
local troubles = {
  ["name lookup"] = { "https" },
  ["TLS handshake"] = { "https", "hung" },
  ["TLS with ca_file"] = { "https", "hung", bundle },
  ["silence"] = { "http", "hung" },
  ["slow headers"] = { "http", "headers" },
  ["slow body"] = { "http", "body" },
  ["refused upload"] = { "http", "hung" },
  ["full accept queue"] = { "http", "full" },
}

-- The servers: one process, which prints its ports and then misbehaves -----------------------------------------------

local function serve()
  local uv = require "luv"
  uv.new_timer():start(300000, 0, function() os.exit(0) end)
  local function listen(backlog, connected)
    local listener = uv.new_tcp()
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen(backlog, function() if connected then connected(listener) end end))
    return listener:getsockname().port
  end
  local function drip(head)
    return listen(64, function(listener)
      local socket, timer = uv.new_tcp(), uv.new_timer()
      listener:accept(socket)
      local function finish()
        if not timer:is_closing() then timer:close() end
        if not socket:is_closing() then socket:close() end
      end
      socket:write(head)
      timer:start(20, 20, function() socket:write("x", function(problem) if problem then finish() end end) end)
      socket:read_start(function(problem, bytes) if problem or not bytes then finish() end end)
    end)
  end
  local signal = uv.new_signal() -- the other side may have closed the connection
  signal:start("sigpipe", function() end)
  local ports = {
    hung = listen(64), -- the kernel accepts the connections, and nothing reads from them
    headers = drip "HTTP/1.1 200 OK\r\nX-Filling: ",
    body = drip "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n\"",
    full = listen(1),
  }
  local waiting = {}
  for index = 1, 8 do -- more than the queue holds
    waiting[index] = uv.new_tcp()
    waiting[index]:connect("127.0.0.1", ports.full, function() end)
  end
  uv.new_timer():start(100, 0, function()
    for name, port in pairs(ports) do io.write(name, "=", port, " ") end
    io.write("pid=", uv.os_getpid(), "\n")
    io.flush()
  end)
  uv.run()
end

-- One attempt, in a process of its own --------------------------------------------------------------------------------

local function address(trouble)
  local scheme, port = troubles[trouble][1], arg[3]
  return scheme .. "://" .. (port == "none" and "service.invalid" or "127.0.0.1:" .. port)
end

local worst = { step = 0, other = 0 }

local function timed(what, operate, ...)
  local before = now()
  local value = operate(...)
  worst[what] = math.max(worst[what], now() - before)
  return value
end

local function one_call(trouble, ending)
  local settings = { base_url = address(trouble), api_key = key, ca_file = troubles[trouble][3] }
  local handle = timed("other", core.new, settings)
  local timeout = ending == "time-out" and middle or 60
  local number = timed("other", core.status, handle, id, { api = "v1", timeout = timeout })
  local halfway = now() + middle
  local function step() -- the sleep is not measured
    core.poll({ handle }, 0.01)
    timed("step", handle.step, handle, 0)
  end
  timed("step", handle.step, handle, 0)
  while now() < halfway do step() end
  if ending == "collect" then
    local left = setmetatable({ handle }, { __mode = "v" })
    handle = nil
    timed("other", collectgarbage)
    assert(not left[1], "it was not collected")
    return
  elseif ending == "cancel" then
    timed("other", handle.cancel, handle, number)
  end
  if ending ~= "close" then
    for _ = 1, 50 do
      if handle:in_flight() == 0 then break end
      step()
    end
    assert(timed("other", handle.next, handle) == number)
  else
    assert(handle:in_flight() == 1)
  end
  timed("other", handle.close, handle)
end

local function whole_call(trouble)
  local openhands = require "openhands"
  local client = openhands.new { base_url = address(trouble), api_key = key, api = "v1", deadline = deadline }
  local operate, given = client.status, id
  if trouble == "refused upload" then
    operate = client.start
    given = { initial_user_msg = ("x"):rep(31 * 1024 * 1024) }
  end
  local started = now()
  local value, err = operate(client, given)
  worst.late = now() - started - deadline
  assert(value == nil and (err.kind == "timeout" or err.kind == "ambiguous"), tostring(err))
  assert(worst.late >= -tolerance, "it ended too early")
  client:close()
end

local function load_it()
  local before = now()
  require("openhands").new { base_url = address "name lookup", api_key = key }:close()
  worst.late = now() - before
end

local function attempt(trouble, ending)
  if ending == "load" then
    load_it()
  elseif ending == "deadline" then
    whole_call(trouble)
  else
    one_call(trouble, ending)
  end
  for name, seconds in pairs(worst) do io.write(("%s=%.6f "):format(name, seconds)) end
  io.write(("over=%.6f\n"):format(now()))
  io.flush()
end

-- All of them ---------------------------------------------------------------------------------------------------------

local function fields(line)
  local found = {}
  for name, value in (line or ""):gmatch "(%S+)=(%S+)" do found[name] = tonumber(value) end
  return found
end

local clean = "exec env -u http_proxy -u https_proxy -u all_proxy -u HTTPS_PROXY -u ALL_PROXY "

local function start(environment, ...)
  local words = {}
  for index, word in ipairs { processes.interpreter(), "spec/measure/step.lua", ... } do
    words[index] = processes.quoted(word)
  end
  return assert(io.popen(clean .. "-u OPENHANDS_LOG " .. environment .. " " .. table.concat(words, " ")))
end

-- Runs one attempt; returns what it measured, and the largest share of a limit.
local function attempted(environment, ports, trouble, ending)
  local program = start(environment, ending, trouble, tostring(ports[troubles[trouble][2]] or "none"))
  local line = program:read "*l"
  program:read "*a" -- until the process has ended
  local ended = now()
  program:close()
  local found = fields(line)
  if not found.over then return nil, math.huge end -- it has crashed
  found.exit = ended - found.over
  return found, math.max(found.step / longest, found.other / longest, (found.late or 0) / latest, found.exit / latest)
end

-- Returns what the median attempt has measured, and whether most were good.
local function measure(...)
  local attempts, good, bad = {}, 0, 0
  repeat
    local found, share = attempted(...)
    attempts[#attempts + 1] = { found = found, share = share }
    if share <= 1 then good = good + 1 else bad = bad + 1 end
  until good == needed or bad == needed
  table.sort(attempts, function(one, other) return one.share < other.share end)
  return attempts[needed].found, good == needed
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function rows(row)
  local function worst_calls(found)
    return ("step %6.2f ms   others %6.2f ms   exit %6.2f ms"):format(found.step * 1000, found.other * 1000,
      found.exit * 1000)
  end
  print(("one call, at most %.0f ms, with %s and %s"):format(longest * 1000, _VERSION, select(2, core.version())))
  for _, trouble in ipairs { "name lookup", "TLS handshake", "silence" } do
    for _, ending in ipairs { "time-out", "cancel", "close", "collect" } do
      row(trouble, ending, worst_calls)
    end
  end
  if exists(bundle) then -- known and documented: the first connection reads the whole file
    row("TLS with ca_file", "cancel", worst_calls, "not limited")
  end
  local function lateness(found)
    return ("late %6.2f ms   exit %6.2f ms"):format(found.late * 1000, found.exit * 1000)
  end
  print(("loading the library and making a client, at most %.0f ms"):format(latest * 1000))
  row("name lookup", "load", lateness)
  print(("a whole call with a deadline of %.1f s, at most %.0f ms late"):format(deadline, latest * 1000))
  for _, trouble in ipairs { "name lookup", "TLS handshake", "silence", "slow headers", "slow body",
    "refused upload", "full accept queue" } do
    row(trouble, "deadline", lateness)
  end
end

local function main()
  files, processes = require "spec.support.files", require "spec.support.processes"
  local directory, remove = files.directory()
  local library = directory .. "/slow_dns.so"
  local built = os.execute(("${CC:-cc} -shared -fPIC -o %s spec/c/slow_dns.c"):format(library))
  assert(built == true or built == 0, "spec/c/slow_dns.c does not compile")
  local slow = ("LD_PRELOAD=%s SLOW_DNS_SECONDS=%d"):format(library, lookup_takes)
  local server = start("", "serve")
  local ports = fields(server:read "*l")
  local passed, failed = 0, 0
  local good_end, problem = pcall(rows, function(trouble, ending, show, verdict)
    local environment = trouble == "name lookup" and slow or ""
    local found, good = measure(environment, ports, trouble, ending)
    if not verdict then
      passed, failed, verdict = passed + (good and 1 or 0), failed + (good and 0 or 1), good and "ok" or "FAIL"
    end
    print(("%-18s %-9s %s  %s"):format(trouble, ending, found and show(found) or "it has crashed", verdict))
  end)
  if ports.pid then os.execute("kill " .. ("%d"):format(ports.pid)) end
  server:close()
  remove()
  if not good_end then error(problem, 0) end
  print(("%d passed, %d failed"):format(passed, failed))
  os.exit(failed == 0 and 0 or 1)
end

if arg[1] == "serve" then
  serve()
elseif arg[1] then
  attempt(arg[2], arg[1])
else
  main()
end
