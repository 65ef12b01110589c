--- A stand-in for the service, to try things offline and for free: as another process with a real address (`spawn`),
-- or inside this one (`model` and `transport`).
local fault = require "openhands.simulator.fault"
local json = require "openhands.simulator.encoding.json"
local model = require "openhands.simulator.model"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

--- JSON null, for the `value` of a fault.
M.null = json.null

--- Marks a list as a JSON array, for the `value` of a fault: `array()` is `[]`.
M.array = json.array

--- Makes the pure model: requests in, answers out, virtual time.
---@param options? openhands.simulator.Options
---@return openhands.simulator.Model
function M.model(options)
  return model.new(options)
end

-- Another process ----------------------------------------------------------------------------------------------------
--
-- We talk to it through two named pipes, with nothing but io and os: that blocks for the moment of an answer and works
-- everywhere, also inside a callback of an event loop, where running a loop of our own could not.

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

-- The interpreter that runs this: the first word of its command line, else what it is usually called.
local function interpreter()
  local first = type(arg) == "table" and -1
  while first and arg[first - 1] do first = first - 1 end
  if first and arg[first] then return arg[first] end
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d+%.%d+")
end

local function make_pipes()
  local shell = assert(io.popen('directory=$(mktemp -d) && mkfifo -m 600 "$directory/commands" "$directory/replies"'
    .. ' && echo "$directory"'))
  local directory = shell:read("*l")
  shell:close()
  return assert(directory, "the simulator could not make its pipes")
end

-- The program of the child, with our own search paths, so that it finds what we found.
local function program(words)
  local list = {}
  for index, word in ipairs(words) do list[index] = ("%q"):format(word) end
  return ("package.path, package.cpath = %q, %q; os.exit(require('openhands.simulator.server').main{%s})")
    :format(package.path, package.cpath, table.concat(list, ", "))
end

--- Starts the simulator as a child process. It ends with `close`, or when this process does.
---@param options? openhands.simulator.Options|{ lua?: string, port?: integer } `lua`: the interpreter to run it with
---@return openhands.simulator.Handle
function M.spawn(options)
  local settings = {}
  for name, value in pairs(options or {}) do settings[name] = value end
  local lua, port = settings.lua or interpreter(), settings.port or 0
  settings.lua, settings.port = nil, nil
  local words = { "--port", ("%d"):format(port), "--options", json.encode(settings, "bytes") }
  local directory = make_pipes()
  local commands, replies = directory .. "/commands", directory .. "/replies"
  os.execute(("%s -e %s <%s >%s &"):format(quoted(lua), quoted(program(words)), quoted(commands), quoted(replies)))
  -- Opened for reading too: writing to a child that has died must not kill us.
  local self = setmetatable({ _commands = assert(io.open(commands, "r+")) }, handle_metatable)
  self._replies = assert(io.open(replies, "r"))
  for _, path in ipairs { commands, replies, directory } do os.remove(path) end
  self.address = self._replies:read("*l")
  if not self.address then
    self:close()
    error("the simulator did not start with " .. lua, 2)
  end
  self.pid = self:_ask { command = "pid" }
  return self
end

function handle:_ask(command)
  if not self._commands then error("the simulator is closed", 3) end
  self._commands:write(json.encode(command, "bytes"), "\n")
  self._commands:flush()
  local line = self._replies:read("*l")
  if not line then error("the simulator has ended", 3) end
  local answer = json.decode(line, "bytes")
  if not answer.ok then error("simulator: " .. tostring(answer.error), 3) end
  return answer.value
end

--- Replaces the schedule of faults, see fault.lua.
---@param faults? openhands.simulator.Fault[]
function handle:faults(faults) self:_ask { command = "faults", faults = json.array(faults) } end

--- Every accepted start: `{ time, api, conversation_id, task_id, body, repeated }`.
---@return table[]
function handle:starts() return self:_ask { command = "starts" } end

--- The last requests: `{ method, path, query, headers, body, time }`, also those that a fault swallowed.
---@return table[]
function handle:requests() return self:_ask { command = "requests" } end

--- How many distinct jobs really run or ran.
---@return integer
function handle:jobs() return self:_ask { command = "jobs" } end

--- Requests that brought an account's key to a conversation's own server: `{ time, method, path }`. None, it is hoped.
---@return table[]
function handle:leaks() return self:_ask { command = "leaks" } end

--- Gives the next `count` requests one of the five 429s.
---@param name "window"|"burst"|"concurrency"|"quota"|"pending"
---@param count? integer default 1; -1: for ever
---@param details? openhands.simulator.ThrottleDetails
function handle:throttle(name, count, details)
  self:_ask { command = "throttle", name = name, count = count, details = details }
end

--- Changes options while it runs.
---@param options openhands.simulator.Options
function handle:options(options) self:_ask { command = "options", options = options } end

--- Adds made-up events to a V1 conversation, now.
---@param id string its conversation's id
---@param count integer
function handle:add_events(id, count) self:_ask { command = "add_events", id = id, count = count } end

--- Lets the time of the service jump ahead.
---@param seconds number
---@return number time
function handle:advance(seconds) return self:_ask { command = "advance", seconds = seconds } end

--- The time of the service: `time` since its start, `now` since 1970, in seconds.
---@return { time: number, now: number }
function handle:time() return self:_ask { command = "time" } end

--- Begins anew with the options of the start: no jobs, no faults, no connections. The address stays.
function handle:reset() self:_ask { command = "reset" } end

--- Stops listening and cuts everybody off (`true`), or listens again on the same port (`false`).
---@param on? boolean default true
function handle:refuse(on) self:_ask { command = "refuse", on = on ~= false } end

--- Connections: `accepted` since the start of the process, `open` now.
---@return { accepted: integer, open: integer }
function handle:connections() return self:_ask { command = "connections" } end

--- Ends the child and waits until it is gone. Closing twice is fine.
function handle:close()
  if not self._commands then return end
  self._commands:write('{"command":"stop"}\n')
  self._commands:close()
  self._commands = nil
  -- The pipe ends when the process has.
  while self._replies:read("*l") do end -- luacheck: ignore 542
  self._replies:close()
end

-- This process -------------------------------------------------------------------------------------------------------

---@class openhands.simulator.TransportFault
---@field point "before"|"after_commit"|"in_body" whether the request is lost before the model saw it, its answer
--- afterwards, or the end of its answer
---@field class? string what the caller gets instead of a response: `{ class, sent }`
---@field sent? boolean default: whether the model saw it
---@field response? table an answer to give instead
---@field at? integer in_body: so many bytes still come (default 0)
---@field pieces? integer in_body: so many pieces of an answer that comes bit by bit come before those `at` bytes
---@field match? { method?: string, path?: string }
---@field skip? integer
---@field count? integer default 1; -1: for ever

--- A transport without network: `request` asks the model, `sleep` makes its time pass, `now` and `wall` tell it.
-- `faults` is a list that may be changed at any time.
---@param service openhands.simulator.Model
function M.transport(service)
  local used = setmetatable({}, { __mode = "k" })
  local transport = { model = service, faults = {} }

  local function take(request)
    for _, entry in ipairs(transport.faults) do
      local state = used[entry] or { skip = entry.skip or 0, left = entry.count or 1 }
      used[entry] = state
      if state.left ~= 0 and fault.matches(entry.match, request) then
        if state.skip == 0 then
          state.left = state.left - 1
          return entry
        end
        state.skip = state.skip - 1
      end
    end
  end

  -- So long nobody waits for an answer which does not go on.
  local patience = 600

  -- An answer that comes bit by bit is given as a whole: time passes until it has come.
  local function whole(response, source)
    local waited = 0 --[[@as number]]
    local body, complete = stream.whole(source or response.stream or stream.of(response.body), function(seconds)
      service:advance(seconds)
      waited = waited + seconds
      return waited >= patience
    end)
    return { status = response.status, headers = response.headers, body = body }, complete
  end

  local function answer(request)
    local response, complete = whole(service:answer(request))
    return complete and response or { class = "timeout", sent = true }
  end

  -- What had come when the connection ended, and that it did.
  local function answer_in_part(request, struck)
    local response = service:answer(request)
    local source = response.stream or stream.of(response.body --[[@as string]])
    local part = whole(response, stream.cut(source, struck.pieces or 0, struck.at or 0))
    part.class, part.sent = struck.class or "cut", true
    return part
  end

  function transport.request(_, request)
    service:record(request)
    local struck = take(request)
    if not struck then return answer(request) end
    if struck.point == "in_body" then return answer_in_part(request, struck) end
    local reached = struck.point == "after_commit"
    if reached then service:answer(request) end
    if struck.response then return struck.response end
    local sent = struck.sent
    if sent == nil then sent = reached end
    return { class = struck.class or "connect", sent = sent }
  end

  function transport.now() return service:time() end
  function transport.wall() return service:now() end
  function transport.sleep(seconds) service:advance(seconds) end
  return transport
end

return M
