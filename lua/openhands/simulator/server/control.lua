--- Steers a server through lines: one JSON object in, one JSON object out, `{"ok":true,"value":...}` or
-- `{"ok":false,"error":"..."}`. Strings may hold any bytes: a byte above 127 is written as `\u0080` to `\u00ff`.
local uv = require "luv"
local json = require "openhands.simulator.encoding.json"

local M = {}

local commands = {}

-- Replaces the schedule of faults.
function commands.faults(server, command)
  server:set_faults(command.faults or {})
end

function commands.starts(server) return json.array(server.model.starts) end
function commands.requests(server) return json.array(server.model.requests) end
function commands.jobs(server) return server.model:jobs() end
function commands.leaks(server) return json.array(server.model.leaks) end

function commands.throttle(server, command)
  server.model:throttle(command.name, command.count, command.details)
end

-- Changes options of the living model.
function commands.options(server, command)
  server.model:configure(command.options or {})
end

function commands.add_events(server, command)
  server:synchronise()
  server.model:add_events(command.id, command.count)
end

function commands.advance(server, command)
  server:skip(command.seconds)
  return server.model:time()
end

function commands.time(server)
  server:synchronise()
  return { time = server.model:time(), now = server.model:now() }
end

-- A fresh model, no faults, no connections; the same address.
function commands.reset(server)
  server:renew()
  server:refuse(false)
end

function commands.refuse(server, command)
  server:refuse(command.on ~= false)
end

function commands.connections(server)
  return { accepted = server.accepted, open = server:open_connections() }
end

function commands.pid() return uv.os_getpid() end

function commands.stop()
  uv.stop()
end

--- Obeys one line.
---@param server openhands.simulator.Server
---@param line string
---@return string answer one line, without its end
function M.obey(server, line)
  local command, problem = json.decode(line, "bytes")
  local run = type(command) == "table" and commands[command.command]
  if not run then
    return json.encode({ ok = false, error = problem or "unknown command" }, "bytes")
  end
  local obeyed, value = pcall(run, server, command) --[[@as boolean, any]]
  if not obeyed then
    -- Where in our own files an error was raised is of no use to the one who steers.
    return json.encode({ ok = false, error = (tostring(value):gsub("^[^:\n]+:%d+: ", "")) }, "bytes")
  end
  return json.encode({ ok = true, value = value }, "bytes")
end

local function obey_and_answer(server, line)
  if not line:find("[^ \t\r\n]") then return end
  io.stdout:write(M.obey(server, line), "\n")
  io.stdout:flush()
end

-- Standard input as a stream; nil where it is a file (or /dev/null), which can be read without waiting.
local function open_input()
  local kind = uv.guess_handle(0)
  if kind == "tty" then return uv.new_tty(0, true) end
  if kind ~= "pipe" then return nil end
  local pipe = uv.new_pipe(false)
  pipe:open(0)
  return pipe
end

--- Obeys the lines of the standard input, and stops the loop at its end.
---@param server openhands.simulator.Server
---@param stay boolean? whether to go on without it
function M.attend(server, stay)
  local function ended()
    if not stay then uv.stop() end
  end
  local input = open_input()
  if not input then
    for line in io.lines() do obey_and_answer(server, line) end
    -- The loop is not running yet: stop it from within.
    uv.new_timer():start(0, 0, ended)
    return
  end
  local rest = ""
  input:read_start(function(problem, bytes)
    if problem or not bytes then
      input:close()
      return ended()
    end
    rest = rest .. bytes
    -- A plain search: patterns would try every beginning anew in a long line that has not ended.
    local stop = rest:find("\n", 1, true)
    while stop do
      obey_and_answer(server, rest:sub(1, stop - 1))
      rest = rest:sub(stop + 1)
      stop = rest:find("\n", 1, true)
    end
  end)
end

return M
