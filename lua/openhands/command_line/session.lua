--- One run of the command: its output, the client with the key that was found, and what to say when it ends early.

local advice = require "openhands.command_line.advice"
local core = require "openhands.core"
local exit_status = require "openhands.command_line.exit_status"
local guards = require "openhands.command_line.guard"
local interruption = require "openhands.command_line.interruption"
local openhands = require "openhands"
local outputs = require "openhands.command_line.output"
local records = require "openhands.command_line.records"
local stored_key = require "openhands.command_line.stored_key"
local terminals = require "openhands.display.terminal"
local text = require "openhands.command_line.text"

local M = {}

--- The service that is used where nothing names another one.
M.DEFAULT_SERVICE = "https://app.all-hands.dev"

local KEY_VARIABLES = advice.KEY_VARIABLES
local LONGEST_ID = 128 -- bytes

---@class openhands.CommandSession
---@field arguments table what was given, by name
---@field output openhands.CommandLineOutput
---@field private _client openhands.Client?
---@field private _opened { close: fun(self: table) }?
---@field private _stdout openhands.Terminal?
---@field private _stderr openhands.Terminal?
---@field private _return string[] commands with which to come back after an interruption
---@field private _doubt string? what an interruption leaves open, while there is no such command
---@field private _guard openhands.CommandGuard?
local Session = {}
Session.__index = Session

--- Creates the session for a command line.
---@param arguments table as the parser returns them
---@return openhands.CommandSession
function M.new(arguments)
  local format = arguments.json and "json" or arguments.jsonl and "jsonl" or "plain"
  local self = setmetatable({
    arguments = arguments, output = outputs.new(format, arguments.quiet), _return = {},
  }, Session)
  for _, variable in ipairs { KEY_VARIABLES[1], KEY_VARIABLES[2], "SESSION_API_KEY" } do
    self.output:hide(os.getenv(variable))
  end
  return self
end

local function variable_with_value(names)
  for _, name in ipairs(names) do
    local value = os.getenv(name)
    if value and value ~= "" then
      return value, name
    end
  end
end

--- Returns the address of the service.
---@return string
function Session:service()
  return self.arguments.base_url or variable_with_value { "OPENHANDS_BASE_URL" } or M.DEFAULT_SERVICE
end

-- Reads the key in a file that the user names.
local function key_in(path)
  local file, problem = io.open(path)
  local line = file and file:read "*l"
  if file then
    file:close()
  end
  line = line and line:gsub("^[ \t]+", ""):gsub("[ \t\r]+$", "")
  if not line or line == "" then
    M.refuse(("--api-key-file: %s"):format(problem or path .. " holds no key"))
  end
  return line
end

--- Returns the name of the variable that has a key.
---@return string?
function M.key_variable()
  local _, variable = variable_with_value(KEY_VARIABLES)
  return variable
end

--- Finds the key. The library itself reads the variables of the environment.
---@return string? key nil: the library finds it, or there is none
---@return string? where it was found, in words
function Session:find_key()
  local file = self.arguments.api_key_file
  if file then
    return key_in(file), "file " .. file
  end
  local variable = M.key_variable()
  if variable then
    return nil, "variable " .. variable
  end
  local key, problem = stored_key.read(self:service())
  if problem then
    self.output:warn("openhands-lua: " .. text.line(problem))
  end
  return key, key and ("stored in " .. stored_key.path()) or nil
end

--- Returns the settings of clients that the command line gives.
---@return openhands.Settings
function Session:settings()
  local key = self:find_key()
  self.output:hide(key)
  return {
    api_key = key, base_url = self.arguments.base_url, api = self.arguments.api,
    organization = self.arguments.organization,
  }
end

--- Returns the client of this run.
---@return openhands.Client
function Session:client()
  self._client = self._client or openhands.new(self:settings())
  return self._client
end

-- Returns what can be shown on a stream.
local function terminal_of(self, descriptor)
  local choice = self.arguments.color or "auto"
  local terminal = terminals.of(descriptor, choice)
  if choice == "never" then
    terminal.can_redraw, terminal.links = false, false
  end
  return terminal
end

--- Returns what can be shown on stdout.
---@return openhands.Terminal
function Session:stdout()
  self._stdout = self._stdout or terminal_of(self, 1)
  return self._stdout
end

--- Returns what can be shown on stderr.
---@return openhands.Terminal
function Session:stderr()
  self._stderr = self._stderr or terminal_of(self, 2)
  return self._stderr
end

--- Notes a fleet or a worker, to close it even if Ctrl-C ends the run.
---@param opened { close: fun(self: table) }
function Session:closes(opened)
  self._opened = opened
end

--- Ends what the run has opened.
function Session:close()
  if self._opened then
    pcall(self._opened.close, self._opened)
    self._opened = nil
  end
  if self._client then
    self._client:close()
    self._client = nil
  end
  if self._guard then
    self._guard:close()
    self._guard = nil
  end
end

-- ---- what is said --------------------------------------------------------------------------------------------------

--- Says something to the person who looks on.
---@param format string
---@param ... any
function Session:say(format, ...)
  self.output:say(format:format(...))
end

--- Ends the command with a message about its usage.
---@param message string
function M.refuse(message)
  error({ usage = message }, 0)
end

M.Session = Session

-- Returns the options that another call of the command needs, to reach the same service.
local function same_service(arguments)
  local words = {}
  for _, each in ipairs { { "base_url", "--base-url" }, { "api_key_file", "--api-key-file" }, { "api", "--api" },
    { "organization", "--organization" } } do
    local value = arguments[each[1]]
    if value then
      words[#words + 1] = " " .. each[2] .. " " .. text.shell_word(value)
    end
  end
  return table.concat(words)
end

-- Returns what is said when the run ends early: how to come back, or what is left open; nothing if all is done.
local function return_text(self, reason)
  if not self._return[1] then
    return self._doubt and ("%s. %s"):format(reason, self._doubt) or ""
  end
  return ("%s. Conversations go on; to come back:\n  %s"):format(reason,
    text.lines(table.concat(self._return, "\n  ")))
end

-- Tells the guard what it would have to say now.
local function tell_guard(self)
  if self._guard then
    local words = return_text(self, "openhands-lua: ended by a signal")
    self._guard:set(self.output:redacted(words))
  end
end

--- Has what an interruption would say be said also if a signal ends this process at once.
function Session:outlives_signals()
  self._guard = guards.new()
end

--- Notes a command with which to come back, should this run be interrupted.
---@param format string of its arguments
---@param ... any
function Session:comes_back_with(format, ...)
  table.insert(self._return, "openhands-lua " .. format:format(...) .. same_service(self.arguments))
  tell_guard(self)
end

--- Notes a command whose last argument may look like an option.
---@param words string the other arguments
---@param last string "-": it was read from standard input
function Session:comes_back_with_last(words, last)
  table.insert(self._return, ("openhands-lua %s%s%s%s%s"):format(words, same_service(self.arguments),
    last:find "^%-." and " -- " or " ", text.shell_word(last),
    last == "-" and " # with the same text on standard input" or ""))
  tell_guard(self)
end

--- Notes what an interruption leaves open until there is a command with which to come back.
---@param doubt string
function Session:leaves_open(doubt)
  self._doubt = doubt
  tell_guard(self)
end

--- Forgets all that: there is nothing to come back to.
function Session:needs_no_return()
  self._return, self._doubt = {}, nil
  tell_guard(self)
end

--- Says how to come back after an interruption.
function Session:tell_return()
  local words = return_text(self, "\nInterrupted")
  self.output:warn(words ~= "" and words or "\nInterrupted.")
  self:needs_no_return() -- it is said
end

--- Says how to come back, after a wait whose time is over.
function Session:tell_way_back()
  if self._return[1] then
    self:say("To come back:\n  %s", text.lines(table.concat(self._return, "\n  ")))
  end
  self:needs_no_return()
end

-- Returns whether there is a key, even one that cannot be used.
local function has_key(self)
  local key, where = self:find_key()
  return key or where or variable_with_value { "SESSION_API_KEY" }
end

--- Tells an error to the person.
---@param err openhands.Error?
---@return integer exit_status
function Session:tell_error(err)
  interruption.raise(err)
  ---@cast err openhands.Error
  local more = advice.give(err, self:service(), function()
    return has_key(self)
  end)
  self.output:warn("openhands-lua: " .. text.line(err))
  if more then
    self.output:warn(more)
  end
  return exit_status.of_error(err)
end

--- Tells an error to the person, and in the record of `--json`. Names the conversation if the command is about several.
---@param err openhands.Error?
---@param id string? of the conversation that the command is about
---@return integer exit_status
function Session:fail(err, id)
  local ids = self.arguments.ids
  if id and err and ids and ids[2] and not err.message:find(id, 1, true) then
    local place = ("conversation %s: "):format(core.redact_line(id, LONGEST_ID))
    err.message = err.message:gsub("^[A-Za-z0-9_.]+: ", function(call)
      return call .. place
    end, 1)
  end
  local status = self:tell_error(err)
  ---@cast err openhands.Error
  self.output:record(id and records.failure(id, err) or { error = records.error(err) })
  return status
end

return M
