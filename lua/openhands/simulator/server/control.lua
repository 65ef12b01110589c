--- Controls a server by commands. Each command and each reply is one line with a JSON object. A reply is
-- `{"ok":true,"value":...}` or `{"ok":false,"error":"..."}`. Strings may hold any bytes: a byte above 127 is encoded as
-- `\u0080` to `\u00ff`.
local json = require "openhands.simulator.encoding.json"
local uv = require "luv"

local M = {}

-- The commands by name: function(server, command) -> value. All but `pid` and `stop` are described at the methods with
-- the same names in process.lua.
local commands = {}

function commands.faults(server, command)
  server:set_faults(command.faults or {})
end

function commands.starts(server)
  return json.array(server.model.starts)
end
function commands.requests(server)
  return json.array(server.model.requests)
end
function commands.jobs(server)
  return server.model:jobs()
end
function commands.leaks(server)
  return json.array(server.model.leaks)
end

function commands.throttle(server, command)
  server.model:throttle(command.name, command.count, command.details)
end

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

function commands.reset(server)
  server:reset()
  server:refuse(false)
end

function commands.refuse(server, command)
  server:refuse(command.on ~= false)
end

function commands.connections(server)
  return { accepted = server.accepted, open = server:open_connections() }
end

function commands.pid()
  return uv.os_getpid()
end

function commands.stop()
  uv.stop()
end

--- Runs one command.
---@param server openhands.simulator.Server
---@param line string
---@return string reply one line, without its end
function M.run(server, line)
  local command, problem = json.decode(line, "bytes")
  local command_function = type(command) == "table" and commands[command.command]
  if not command_function then
    return json.encode({ ok = false, error = problem or "unknown command" }, "bytes")
  end
  local ran, value = pcall(command_function, server, command) --[[@as boolean, any]]
  if not ran then
    -- Removes the position in our files, which is of no use to the caller, from the error.
    return json.encode({ ok = false, error = (tostring(value):gsub("^[^:\n]+:%d+: ", "")) }, "bytes")
  end
  return json.encode({ ok = true, value = value }, "bytes")
end

local function run_and_reply(server, line)
  if not line:find("[^ \t\r\n]") then
    return
  end
  io.stdout:write(M.run(server, line), "\n")
  io.stdout:flush()
end

-- Opens standard input as a stream. Returns nil if it is a file (or /dev/null), which can be read without blocking.
local function open_input()
  local kind = uv.guess_handle(0)
  if kind == "tty" then
    return uv.new_tty(0, true)
  end
  if kind ~= "pipe" then
    return nil
  end
  local pipe = uv.new_pipe(false)
  pipe:open(0)
  return pipe
end

--- Runs the commands from standard input, and stops the loop at its end.
---@param server openhands.simulator.Server
---@param stay boolean? keep the loop running at the end of standard input
function M.attach(server, stay)
  local function ended()
    if not stay then
      uv.stop()
    end
  end
  local input = open_input()
  if not input then
    for line in io.lines() do
      run_and_reply(server, line)
    end
    -- The loop is not running yet, so a timer stops it as soon as it runs.
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
    -- The search is plain: a pattern would scan a long unfinished line again from each of its positions.
    local stop = rest:find("\n", 1, true)
    while stop do
      run_and_reply(server, rest:sub(1, stop - 1))
      rest = rest:sub(stop + 1)
      stop = rest:find("\n", 1, true)
    end
  end)
end

return M
