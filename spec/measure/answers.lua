-- Measures for how long a loop is held while a large answer arrives and is read: the longest time between two turns of
-- luv's loop. The first answer is an events page, the other one as large as answers may be. Each attempt is a process
-- of its own, and noise only ever adds, so the best of a few counts. Ends with `N passed, N failed`.
local core = require "openhands.core"

-- The longest hold, in seconds, or as a share of the time that the whole answer takes: then a busy machine slows both.
local longest, largest_share = 0.010, 0.1
local attempts = 5
local sizes = { { "a page of 100 events", 100 }, { "32 MiB of events", 11400 } } -- of 2.9 KB each

-- A server in a process of its own -------------------------------------------------------------------------------

local function event(index)
  return ('{"id":"%08d-1d2a-4b5c-8d9e-0a1b2c3d4e5f","timestamp":"2026-01-01T00:00:%02d.%06d","source":"agent","kind":'
    .. '"ActionEvent","thought":[{"type":"text","text":"%s"}],"action":{"command":"ls -l","path":null,"lines":[%d,2,3],'
    .. '"kind":"ExecuteBashAction"},"tool_call":{"id":"call-%d","name":"execute_bash","arguments":"{\\"command\\": '
    .. '\\"ls -l\\"}"},"usage":{"prompt_tokens":%d,"cost":0.0125,"cached":true},"output":"%s"}')
    :format(index, index % 60, index, ("word "):rep(150), index, index, index * 7, ("a line of output\\n"):rep(90))
end

local function serve()
  local uv = require "luv"
  uv.new_timer():start(120000, 0, function() os.exit(0) end) -- if the parent was killed
  local server = uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(16, function()
    local socket = uv.new_tcp()
    server:accept(socket)
    local head = ""
    socket:read_start(function(problem, bytes)
      if problem or not bytes then return socket:close() end
      head = head .. bytes
      if not head:find "\r\n\r\n" then return end
      if head:find "^GET /end" then os.exit(0) end
      local events = {}
      for index = 1, tonumber(head:match "count=(%d+)") do events[index] = event(index) end
      local body = '{"items":[' .. table.concat(events, ",") .. '],"next_page_id":null}'
      socket:write "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
      socket:write("Content-Length: " .. #body .. "\r\n\r\n")
      socket:write(body)
      head = ""
    end)
  end))
  io.write(server:getsockname().port, "\n")
  io.flush()
  uv.run()
end

-- One attempt -------------------------------------------------------------------------------------------------------

local function attempt(port, count)
  local uv = require "luv"
  if not _VERSION:find "5%.[123]" then -- `lua` chooses generations, whose full collections would be measured
    collectgarbage "incremental"
  end
  local client = require("openhands").new {
    loop = "uv", base_url = "http://127.0.0.1:" .. port, api_key = "any", api = "v1",
  }
  local size, gaps, before = 0, {}, nil
  local idle = uv.new_idle() -- the loop never sleeps
  idle:start(function()
    local now = core.monotonic()
    gaps[#gaps + 1] = now - (before or now)
    before = now
  end)
  local began = core.monotonic()
  local task = client:spawn(function()
    local page, err = client:request { path = "/", query = { count = tonumber(count) } }
    assert(page, err)
    assert(#page.items == tonumber(count))
    size = #page.items
  end)
  task:on_done(function() idle:stop() end)
  uv.run()
  local took = core.monotonic() - began
  assert(size > 0)
  table.sort(gaps)
  local over = 0
  for _, gap in ipairs(gaps) do if gap > 0.002 then over = over + 1 end end
  print(("longest=%.6f second=%.6f over=%d took=%.6f"):format(gaps[#gaps], gaps[#gaps - 1], over, took))
  client:close()
end

-- All of them ---------------------------------------------------------------------------------------------------------

local function start(mode, ...)
  local processes = require "spec.support.processes"
  local words = {}
  for _, word in ipairs { processes.interpreter(), "spec/measure/answers.lua", ... } do
    words[#words + 1] = processes.quoted(word)
  end
  return assert(io.popen("exec env -u http_proxy -u all_proxy " .. table.concat(words, " "), mode))
end

local function measure_all()
  local server = start("r", "serve")
  local port, failed = server:read "*l", 0
  for _, size in ipairs(sizes) do
    local best
    for _ = 1, attempts do
      local program = start("r", "attempt", port, tostring(size[2]))
      local line = program:read "*a"
      program:close()
      local hold, took = line:match "longest=(%S+).*took=(%S+)"
      hold, took = tonumber(hold), tonumber(took)
      if hold and not (best and best.hold <= hold) then
        best = { hold = hold, took = took, line = line:gsub("\n", "") }
      end
    end
    local good = best and (best.hold <= longest or best.hold <= largest_share * best.took)
    failed = failed + (good and 0 or 1)
    print(("%-24s %s %s"):format(size[1], good and "" or "TOO LONG", best and best.line or "no attempt ended"))
  end
  start("r", "stop", port):close()
  server:close()
  print(("%d passed, %d failed"):format(#sizes - failed, failed))
  io.stdout:flush()
  os.exit(failed == 0)
end

if arg[1] == "serve" then
  serve()
elseif arg[1] == "stop" then
  require("openhands").new({ base_url = "http://127.0.0.1:" .. arg[2], api_key = "any", retries = 0 })
    :request { path = "/end" }
elseif arg[1] == "attempt" then
  attempt(arg[2], arg[3])
else
  measure_all()
end
