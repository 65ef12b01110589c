-- Measures what each expensive response (bombs.js) costs the program that requests it, in a process of its own. Prints
-- how the call ended, seconds, CPU seconds, the longest time that the host was blocked (CPU of one step), peak memory.
-- `make hostile` runs it.
local http2_server = require "spec.support.http2_server"
local processes = require "spec.support.processes"

local MOST_CPU, LONGEST_HOLD, MOST_MEMORY = 6, 2, 600 -- seconds, seconds, MiB

local program = [[
local core = require "openhands.core"
local client = core.new { base_url = "%s", ca_file = "%s", api_key = "sk-canary-0123456789", timeout = 10 }
local began, cpu, hold = core.monotonic(), os.clock(), 0
local function measured(act)
  local before = os.clock() -- CPU time: other programs on this machine do not count
  local number, value, err = act()
  hold = math.max(hold, os.clock() - before)
  return number, value, err
end
core.request(client, { path = "%s" }, {})
local number, value, err
while not number do
  measured(function() client:step(0) end)
  number, value, err = measured(function() return client:next() end)
  if not number then client:step(0.001) end
end
local peak
for line in io.lines "/proc/self/status" do peak = peak or line:match "^VmHWM:%%s*(%%d+)" end
print(("%%s %%.2f %%.2f %%.3f %%.0f %%s"):format(err and err.kind or "value", core.monotonic() - began,
  os.clock() - cpu, hold, tonumber(peak) / 1024, err and err.reason or ""))
]]

local bombs = {
  "lists", "objects", "numbers", "strings", "names", "text", "escapes", "depth", "detail", "packed_lists",
  "packed_without_end", "packed_twice", "body", "body_without_length", "header", "headers", "provisional", "trailers",
  "extension", "extensions", "empty_blocks",
}
local floods = { "ping_flood", "settings_flood", "empty_data_flood" }

describe("What is meant to cost", function()
  if http2_server.skip_without() then return end

  local server

  after_each(function()
    if server then server:close() end
    server = nil
  end)

  local function measure(name, path)
    local result = processes.child(program:format(server.address, server.ca_file, path))
    local kind, seconds, cpu, hold, memory, reason = result.output:match "^(%S+) (%S+) (%S+) (%S+) (%S+) ?([^\n]*)"
    assert(kind, result.output .. result.errors)
    print(("\n%-24s %-10s %6.2f s  CPU %5.2f s  hold %6.3f s  %4d MiB  %s"):format(
      name, kind, seconds, cpu, hold, memory, reason:sub(1, 60)))
    assert.is_true(tonumber(cpu) <= MOST_CPU, "CPU: " .. cpu)
    assert.is_true(tonumber(hold) <= LONGEST_HOLD, "hold: " .. hold)
    assert.is_true(tonumber(memory) <= MOST_MEMORY, "memory: " .. memory)
  end

  for _, name in ipairs(bombs) do
    it("costs little: " .. name, function()
      server = http2_server.new "spec/hostile/bombs.js"
      server.address = server.address:gsub("https", "http")
      measure(name, "/" .. name)
    end)
  end

  for _, name in ipairs(floods) do
    it("costs little: " .. name, function()
      server = http2_server.new()
      server:fault(name)
      measure(name, "/x")
    end)
  end
end)
