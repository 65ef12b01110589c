--- Runs the simulator as a child process, and controls it through two named pipes. Uses only the libraries io and os,
-- so it works inside callbacks of any event loop. A command blocks until its reply arrives, which takes only a moment.
local json = require "openhands.simulator.encoding.json"
local model_options = require "openhands.simulator.model.options"

local M = {}

--- A simulator in a child process. Each method but `close` raises if the simulator is closed or has ended, or if it
--- refuses the command.
---@class openhands.simulator.Handle
---@field address string `http://127.0.0.1:PORT`
---@field pid integer
---@field private _commands file?
---@field private _replies file
local handle = {}
local handle_metatable = { __index = handle, __name = "openhands.simulator.Handle" }

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Returns the command of the running interpreter: the first word of its command line, or its usual name.
local function interpreter()
  local first = type(arg) == "table" and -1
  while first and arg[first - 1] do
    first = first - 1
  end
  if first and arg[first] then
    return arg[first]
  end
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d+%.%d+")
end

local function make_pipes()
  local shell = assert(io.popen('directory=$(mktemp -d) && mkfifo -m 600 "$directory/commands" "$directory/replies"'
    .. ' && echo "$directory"'))
  local directory = shell:read("*l")
  shell:close()
  return assert(directory, "the simulator could not create its pipes")
end

-- Returns the Lua program of the child. It sets our search paths, so that the child loads the same modules.
local function program(words)
  local list = {}
  for index, word in ipairs(words) do
    list[index] = ("%q"):format(word)
  end
  return ("package.path, package.cpath = %q, %q; os.exit(require('openhands.simulator.server').main{%s})")
    :format(package.path, package.cpath, table.concat(list, ", "))
end

--- Starts the simulator as a child process. The child ends on `close`, or when this process ends. Raises if it does not
--- start, and for an option that is unknown or has an impossible value.
---@param options? openhands.simulator.Options|{ lua?: string, port?: integer } `lua`: the interpreter of the child
--- (default: the running one); `port`: the port on which it listens (default: any free one)
---@return openhands.simulator.Handle
function M.spawn(options)
  local settings = {}
  for name, value in pairs(options or {}) do
    settings[name] = value
  end
  local lua, port = settings.lua or interpreter(), settings.port or 0
  settings.lua, settings.port = nil, nil
  local problem = model_options.problem_of_port(port) or model_options.problem_of(settings)
    or type(lua) ~= "string" and ("lua must be a text, not %s"):format(tostring(lua))
  if problem then
    error("simulator: " .. problem, 2)
  end
  local words = { "--port", json.encode(port), "--options", json.encode(settings, "bytes") }
  local directory = make_pipes()
  local commands, replies = directory .. "/commands", directory .. "/replies"
  os.execute(("%s -e %s <%s >%s &"):format(quoted(lua), quoted(program(words)), quoted(commands), quoted(replies)))
  -- The pipe is opened for reading too: otherwise a write after the child has ended would raise SIGPIPE here.
  local self = setmetatable({ _commands = assert(io.open(commands, "r+")) }, handle_metatable)
  self._replies = assert(io.open(replies, "r"))
  for _, path in ipairs { commands, replies, directory } do
    os.remove(path)
  end
  self.address = self._replies:read("*l")
  if not self.address then
    self:close()
    error("the simulator did not start with " .. lua, 2)
  end
  self.pid = self:_request { command = "pid" }
  return self
end

function handle:_request(command)
  if not self._commands then
    error("the simulator is closed", 3)
  end
  self._commands:write(json.encode(command, "bytes"), "\n")
  self._commands:flush()
  local line = self._replies:read("*l")
  if not line then
    error("the simulator has ended", 3)
  end
  local reply = json.decode(line, "bytes")
  if not reply.ok then
    error("simulator: " .. tostring(reply.error), 3)
  end
  return reply.value
end

--- Replaces the fault schedule.
---@param faults? openhands.simulator.Fault[]
function handle:faults(faults)
  self:_request { command = "faults", faults = json.array(faults) }
end

--- Returns every accepted start: `{ time, api, conversation_id, task_id, body, repeated }`.
---@return table[]
function handle:starts()
  return self:_request { command = "starts" }
end

--- Returns the last requests, including those lost by a fault after they were read:
--- `{ method, path, query, headers, body, time }`.
---@return table[]
function handle:requests()
  return self:_request { command = "requests" }
end

--- Returns the number of conversations created so far.
---@return integer
function handle:jobs()
  return self:_request { command = "jobs" }
end

--- Returns the requests that carried the account's key to a sandbox: `{ time, method, path }`. A correct client sends
--- none.
---@return table[]
function handle:leaks()
  return self:_request { command = "leaks" }
end

--- Answers the next requests with HTTP 429, in one of its five forms.
---@param name openhands.simulator.Throttle
---@param count? integer number of requests; default 1; -1: all
---@param details? openhands.simulator.ThrottleDetails
function handle:throttle(name, count, details)
  self:_request { command = "throttle", name = name, count = count, details = details }
end

--- Changes options of the running simulator. Existing conversations keep their script.
---@param options openhands.simulator.Options
function handle:options(options)
  self:_request { command = "options", options = options }
end

--- Adds generated events to a V1 conversation, now.
---@param id string of the conversation
---@param count integer
function handle:add_events(id, count)
  self:_request { command = "add_events", id = id, count = count }
end

--- Advances the time of the service.
---@param seconds number
---@return number time seconds since its start, plus the option `time`
function handle:advance(seconds)
  return self:_request { command = "advance", seconds = seconds }
end

--- Returns the time of the service, in seconds: `time` since its start (plus the option `time`), `now` since 1970.
---@return { time: number, now: number }
function handle:time()
  return self:_request { command = "time" }
end

--- Resets the simulator to its initial options: no conversations, no faults, no connections. The address stays.
function handle:reset()
  self:_request { command = "reset" }
end

--- Stops listening and resets all connections (`true`), or listens again on the same port (`false`).
---@param on? boolean default true
function handle:refuse(on)
  self:_request { command = "refuse", on = on ~= false }
end

--- Returns the number of connections: `accepted` since the start of the process, `open` now.
---@return { accepted: integer, open: integer }
function handle:connections()
  return self:_request { command = "connections" }
end

--- Stops the child and waits for its end. Closing twice is allowed.
function handle:close()
  if not self._commands then
    return
  end
  self._commands:write('{"command":"stop"}\n')
  self._commands:close()
  self._commands = nil
  -- The pipe reaches its end when the child has ended.
  while self._replies:read("*l") do end -- luacheck: ignore 542
  self._replies:close()
end

return M
