--- Defines the calls of a V1 conversation's agent server, in its sandbox. The address and session key of the server
--- come from the conversation's latest status. They are looked up when needed, and again after the sandbox was paused.

local agent_events = require "openhands.events.agent"
local arguments = require "openhands.api.arguments"
local core = require "openhands.core"
local downloads = require "openhands.api.download"
local errors = require "openhands.errors"
local event_class = require "openhands.events.class"
local events = require "openhands.events"
local limits = require "openhands.limits"
local operation_calls = require "openhands.api.operation_calls"
local operations = require "openhands.api.operations"
local pages = require "openhands.api.pages"
local runtimes = require "openhands.api.agent_runtime"

---@class (partial) openhands.Agent
---@field conversation_id string
---@field private _client openhands.Client
---@field private _is_runtime boolean? its calls go to the conversation's own runtime
local methods = {}

local Agent = { __index = methods, __name = "openhands.Agent" }

local M = {}

local COMMAND_TIME = 300 -- seconds that the agent server allows a command by default
local COMMAND_GRACE = 30 -- further seconds for the exchange that runs the command
local OUTPUT_INTERVAL = 1 -- seconds between polls of a command's output

function Agent:__tostring()
  return "openhands.Agent of conversation " .. self.conversation_id
end

--- Returns the agent server of a conversation. Sends nothing before its first call. Its field `runtime` has the same
--- calls, but those for commands, files and git always go to the conversation's own runtime, without asking the server
--- whether there is one.
---@param client openhands.Client
---@param id string
---@return openhands.Agent
function M.of(client, id)
  local runtime = setmetatable({ conversation_id = id, _client = client, _is_runtime = true }, Agent)
  return setmetatable({ conversation_id = id, _client = client, runtime = runtime }, Agent)
end

local function check_receiver(self, name)
  errors.check_receiver(getmetatable(self) == Agent, name, "agent")
end

local all = operations.of_agent

-- Begins a call of the user. Returns its fields (with the conversation's id, if the operation takes it), its settings,
-- and its further options.
local function begin(self, operation, own, ...)
  check_receiver(self, operation.name)
  local client = self._client
  local fields, options = arguments.read(client, operation, ...)
  local call = client:_begin(operation.name, options, own)
  call.agent_of = self.conversation_id
  local choice = own == events.own_options and events.take_options(operation, fields, options or {})
  if operation.takes_conversation then
    fields.conversation_id = runtimes.id_of(self)
  end
  operation_calls.check(client, operation, fields, "agent")
  return fields, call, choice or options or {}
end

local perform = runtimes.perform

for name in pairs(core.operation_names(true)) do
  local operation = all[name]
  if name:find "^runtime%." then
    methods[name] = nil -- users call it without the prefix, or on `agent.runtime`
  elseif operation.shape == "page" then
    methods[name] = function(self, ...)
      local fields, call = begin(self, operation, nil, ...)
      return operation_calls.pages(self._client, operation, fields, call, function(fresh, run)
        fresh.agent_of = self.conversation_id
        local row, own = runtimes.operation_for(self, operation, fields, fresh)
        if not row then
          return nil, own
        end
        fields.conversation_id = own.conversation_id
        local page, err = run("agent", row)
        return page, err and errors.rename(err, operation.name) -- the row may be one of the runtime
      end)
    end
  elseif operation.is_batch then
    methods[name] = function(self, ...)
      local fields, call = begin(self, operation, nil, ...)
      return operation_calls.run(self._client, operation, fields, call, nil, "agent")
    end
  else
    methods[name] = function(self, ...)
      local fields, call = begin(self, operation, nil, ...)
      return perform(self, operation, fields, call)
    end
  end
end

--- Returns one event by its id.
---@param id string|openhands.agent.event.Fields
---@param options openhands.Settings?
---@return openhands.Event? event
---@return openhands.Error? err
function methods:event(id, options)
  local fields, call = begin(self, all.event, nil, id, options)
  local event, err = perform(self, all.event, fields, call)
  return event_class.one(self._client, event), err
end

-- Returns the seconds after which a command must have ended.
local function time_of(fields)
  return (fields.timeout or COMMAND_TIME) + COMMAND_GRACE
end

--- Sends a message to the agent and runs the agent, as the service's `send` does. The agent server itself only stores
--- the message unless `run` is true, so `run` is true by default here.
---@param content string|table[]|table the message, or fields: `{ content, run }`
---@param options openhands.Settings?
---@return table? answer
---@return openhands.Error? err
function methods:send(content, options)
  local fields, call = begin(self, all.send, nil, content, options)
  if fields.run == nil then
    fields.run = true
  end
  return perform(self, all.send, fields, call)
end

--- Runs a command in the sandbox and waits for its end. A `timeout` in the command's fields limits the command. It also
--- extends the deadline of the call, unless the options set a `deadline`. A `timeout` in the options limits the
--- exchange only.
---@param command string|table the command, or `{ command, cwd, timeout }` (`timeout`: seconds, 300)
---@param options openhands.Settings?
---@return table? output with `exit_code`, `stdout`, `stderr`
---@return openhands.Error? err
function methods:execute(command, options)
  local fields, call = begin(self, all.execute, nil, command, options)
  call.timeout = rawget(call, "timeout") or time_of(fields)
  if fields.timeout and not rawget(call, "deadline") then
    call.deadline_at = math.max(call.deadline_at, self._client:_now() + call.timeout)
  end
  return perform(self, all.execute, fields, call)
end

-- Returns the functions that read events for a call, with the conversation in the fields.
local function reader_of(self, name)
  local client = self._client
  local function read(operation)
    return function(fields, call)
      local own = arguments.copy(fields)
      own.conversation_id = runtimes.id_of(self)
      local value, err = perform(self, operation, own, call)
      if err then
        return nil, errors.rename(err, name)
      end
      return value
    end
  end
  return {
    list = read(all.events),
    count = read(all.event_count),
    memory = client:_remember(self.conversation_id),
  }
end

--- Returns the events of the conversation from its own server, which has them before the service does. `after` and
--- `follow` work as in the client's `events`. A `kind` may be a name even if the server knows kinds only by the paths
--- of their classes, as older releases do.
---@param fields openhands.AgentEventOptions?
---@param options openhands.AgentEventOptions? as for the client's `events`
---@return openhands.Pages
function methods:events(fields, options)
  local own, call, choice = begin(self, all.events, events.own_options, fields, options)
  own.conversation_id = self.conversation_id -- for the status requests of `follow`
  ---@type openhands.EventSource
  local source = {
    reader = reader_of(self, "events"),
    in_dialect = function(_, _, _, _, run)
      return run "agent"
    end,
  }
  return events.events(self._client, source, own, call, choice)
end

--- Counts the events.
---@param fields openhands.agent.event_count.Fields?
---@param options openhands.Settings?
---@return integer? count
---@return openhands.Error? err
function methods:event_count(fields, options)
  local own, call = begin(self, all.event_count, nil, fields, options)
  return agent_events.count(reader_of(self, "event_count"), own, call)
end

--- Returns several events by their ids, without those that the server does not know. Requests them one by one, because
--- this server takes a list only in the body of a GET, which proxies drop.
---@param ids string|string[]
---@param options openhands.Settings?
---@return table<string, table>? events by their ids
---@return openhands.Error? err
function methods:event_batch(ids, options)
  check_receiver(self, "event_batch")
  ids = type(ids) == "string" and { ids } or ids
  if type(ids) ~= "table" then
    errors.raise(("event_batch: needs a list of ids, not a %s"):format(type(ids)))
  end
  ---@cast ids string[]
  local call = self._client:_begin("event_batch", options)
  call.agent_of = self.conversation_id
  local reader, found = reader_of(self, "event_batch"), {}
  for _, id in ipairs(ids) do
    if type(id) ~= "string" then
      errors.raise(("event_batch: an id of an event is a string, not a %s"):format(type(id)))
    end
    local event, err = agent_events.one(reader, id, call)
    if event == nil then
      return nil, err
    end
    found[id] = event_class.one(self._client, event) or nil
  end
  return found
end

--- Sets when the agent has to ask before it acts.
---@param policy string|table its kind ("AlwaysConfirm", "NeverConfirm", "ConfirmRisky"), or the policy as a table
---@param options openhands.Settings?
---@return table? answer
---@return openhands.Error? err
function methods:set_confirmation_policy(policy, options)
  local operation = all.set_confirmation_policy
  local given = type(policy) == "string" and { policy = { kind = policy } } or policy
  local fields, call = begin(self, operation, nil, given, options)
  return perform(self, operation, fields, call)
end

local function no_end(self, command)
  return errors.new {
    kind = "timeout",
    operation = "bash",
    retryable = false,
    conversation_id = self.conversation_id,
    message = ("bash: command %s has not ended in the time for it; allow more with its 'timeout'"):format(
      self._client:_line(command.id, limits.LONGEST_ID)
    ),
  }
end

-- Returns the output of a command: polls until a piece with the exit code has come.
local function output_pages(self, command, call, interval, ends_at)
  local client, order, polls, ended = self._client, nil, 0, false
  local fields = { command_id__eq = command.id, kind__eq = "BashOutput", sort_order = "TIMESTAMP" }
  local function take(output)
    if type(output) == "table" then
      local number = output.order
      order = type(number) == "number" and number % 1 == 0 and math.max(order or number, number) or order
      ended = ended or output.exit_code ~= nil
    end
  end
  return pages.new {
    name = "bash",
    id = function(event)
      return type(event) == "table" and event.id or nil
    end,
    fetch = function()
      if polls > 0 then
        client:_sleep(interval)
      end
      fields.order__gt = order
      local page, err = perform(self, all.command_events, fields, client:_fresh(call))
      if not page then
        return nil, errors.rename(err --[[@as openhands.Error]], "bash")
      end
      polls = polls + 1
      local outputs = type(page.items) == "table" and page.items or {}
      for _, output in ipairs(outputs) do
        take(output)
      end
      if #outputs == 0 and client:_now() >= ends_at then
        return nil, no_end(self, command)
      end
      return { items = page.items, next_page_id = not ended and ("poll %d"):format(polls) or nil }
    end,
  }
end

-- The operation `start_command` under the name "bash", which messages about the caller's mistakes then show.
local bash = setmetatable({ name = "bash", row_name = all.start_command.name }, { __index = all.start_command })

--- Starts a command in the sandbox and follows its output: returns an iterator over pieces with `stdout`, `stderr`, and
--- at the end `exit_code`. Its field `command_id` is the argument of `stop_command`.
---@param command string|table as for `execute`
---@param options table? `interval` (seconds between polls, 1), and settings of this call
---@return openhands.CommandOutput? output
---@return openhands.Error? err
function methods:bash(command, options)
  check_receiver(self, "bash")
  local fields, call, given = begin(self, bash, { interval = true }, command, options)
  local interval = given.interval or OUTPUT_INTERVAL
  if type(interval) ~= "number" or interval < 0 or interval ~= interval then
    errors.raise "bash: 'interval' must be a number of seconds, at least 0"
  end
  local started, err = perform(self, all.start_command, fields, call)
  if not started then
    return nil, errors.rename(err --[[@as openhands.Error]], "bash")
  elseif type(started.id) ~= "string" then
    return nil, errors.protocol("bash", "the answer has no usable field 'id'")
  end
  local ends_at = self._client:_now() + time_of(fields)
  local output = output_pages(self, started, call, math.max(interval, limits.SHORTEST_INTERVAL), ends_at)
  ---@cast output openhands.CommandOutput
  output.command_id = started.id
  return output
end

local function check_absolute(self, name, path)
  check_receiver(self, name)
  if type(path) ~= "string" or path:sub(1, 1) ~= "/" then
    errors.raise(("%s: needs the absolute path of a file in the sandbox"):format(name))
  end
end

--- Writes a file in the sandbox.
---@param path string absolute
---@param contents string
---@param options openhands.Settings?
---@return any answer
---@return openhands.Error? err
function methods:upload(path, contents, options)
  check_absolute(self, "upload", path)
  local fields, call = begin(self, all.upload, nil, { path = path, contents = contents }, options)
  return perform(self, all.upload, fields, call)
end

--- Downloads a file from the sandbox. The target has its name only once it is complete.
---@param path string absolute, in the sandbox
---@param target string path of the file to make here
---@param options table? `on_progress` (function, called with the bytes so far and in all, where known), and settings
---@return { path: string, bytes: number }? file
---@return openhands.Error? err
function methods:download(path, target, options)
  check_absolute(self, "download", path)
  local fields, call, given = begin(self, all.download, { on_progress = true }, { path = path }, options)
  return downloads.save(self._client, "download", target, given, call, function(route)
    return perform(self, all.download, fields, call, route)
  end)
end

--- Downloads a directory of the sandbox as one file: the changes in its git repository, or all its files.
---@param path string|table absolute, in the sandbox; or fields: `{ path, format, base_ref, exclude, … }` (`format`:
--- "git-delta", a patch, or "tar.gz")
---@param target string path of the file to make here
---@param options table? as for `download`
---@return { path: string, bytes: number }? file
---@return openhands.Error? err
function methods:archive(path, target, options)
  local fields, call, given = begin(self, all.archive, { on_progress = true }, path, options)
  return downloads.save(self._client, "archive", target, given, call, function(route)
    return perform(self, all.archive, fields, call, route)
  end)
end

--- Downloads the events of the conversation, as a zip archive that the agent server makes.
---@param target string path of the zip file to make here
---@param options table? as for `download`
---@return { path: string, bytes: number }? file
---@return openhands.Error? err
function methods:download_trajectory(target, options)
  local fields, call, given = begin(self, all.download_trajectory, { on_progress = true }, options)
  return downloads.save(self._client, "download_trajectory", target, given, call, function(route)
    return perform(self, all.download_trajectory, fields, call, route)
  end)
end

--- Makes a request to the agent server for which there is no other call.
---@param request table `method`, `path`, `query`, `body`
---@param options openhands.Settings?
---@return any answer
---@return openhands.Error? err
function methods:request(request, options)
  check_receiver(self, "request")
  local client = self._client
  local call = client:_begin("request", options)
  call.agent_of = self.conversation_id
  return client:_request(request, call, self.conversation_id)
end

return M
