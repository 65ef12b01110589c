--- Writes what the command says: data to stdout, as lines or JSON, and talk to stderr. Keys of the user never appear.

local json = require "openhands.command_line.json"
local openhands = require "openhands"

---@class openhands.CommandLineOutput
---@field format "plain"|"json"|"jsonl"
---@field is_quiet boolean?
---@field if_lost string? what must be said on stderr if stdout cannot be written
---@field failure string? why stdout cannot be written
---@field private _secrets string[] texts that are never written
---@field private _records table[] of `--json`, until the end
local Output = {}
Output.__index = Output

local M = {}

local EPIPE = 32 -- of Linux, macOS and the BSDs

--- What is raised once nobody reads stdout any more.
M.ENDED = {}

local SHORTEST_SECRET = 8 -- bytes; a shorter one is part of many words

--- The key with which programs use the simulator, for which any will do. It is no secret.
M.SIMULATED_KEY = "simulated"

--- Creates the output of one run of the command.
---@param format "plain"|"json"|"jsonl"
---@param is_quiet boolean?
---@return openhands.CommandLineOutput
function M.new(format, is_quiet)
  return setmetatable({ format = format, is_quiet = is_quiet, _secrets = {}, _records = {} }, Output)
end

--- Notes a text that must never be written. The library keeps keys out of its messages; a service may still repeat one
--- in a title or an answer.
---@param secret string?
function Output:hide(secret)
  if secret and #secret >= SHORTEST_SECRET and secret ~= M.SIMULATED_KEY then
    for _, form in ipairs { secret, (json.quoted(secret):sub(2, -2)) } do
      table.insert(self._secrets, (form:gsub("[%^$()%%.%[%]*+?-]", "%%%0")))
    end
  end
end

local function without_secrets(self, text)
  for _, pattern in ipairs(self._secrets) do
    text = text:gsub(pattern, "[redacted]")
  end
  return text
end

-- Takes the first failure of a write. Ends the command if nobody reads what it writes: a shell may have had it ignore
-- SIGPIPE.
local function take_failure(self, problem, number)
  self.failure = problem or "unknown error"
  self:warn("openhands-lua: standard output cannot be written: " .. self.failure)
  if self.if_lost then
    self:warn(self.if_lost)
  end
  if number == EPIPE then
    error(M.ENDED, 0)
  end
end

--- Returns a text as it may be written, without the keys of the user.
---@param text string
---@return string
function Output:redacted(text)
  return without_secrets(self, text)
end

--- Writes a text to stdout, whatever the format, and ends the line.
---@param text string
function Output:write(text)
  if self.failure then
    return
  end
  local good, problem, number = io.stdout:write(without_secrets(self, text), "\n")
  if good then
    good, problem, number = io.stdout:flush() --[[@as any]]
  end
  if not good then
    take_failure(self, problem, number)
  end
end

--- Writes a line of data; only if neither `--json` nor `--jsonl` is given.
---@param text string
function Output:line(text)
  if self.format == "plain" then
    self:write(text)
  end
end

--- Gives a record of data; has no effect unless `--json` or `--jsonl` is given.
---@param record table
function Output:record(record)
  if self.format == "jsonl" then
    self:write(json.encode(record))
  elseif self.format == "json" then
    table.insert(self._records, record)
  end
end

--- Writes the records of `--json`: one object, or all as a list.
---@param is_list boolean?
function Output:finish(is_list)
  if self.format == "json" then
    local records = self._records
    self._records = {}
    if is_list then
      self:write(json.encode(openhands.array(records)))
    elseif records[1] then
      self:write(json.encode(records[#records]))
    end
  end
end

--- Says something to the person who looks on; not with `--quiet`.
---@param text string
function Output:say(text)
  if not self.is_quiet then
    self:warn(text)
  end
end

--- Says something that matters even with `--quiet`.
---@param text string
function Output:warn(text)
  self:write_error(text .. "\n")
end

--- Writes a text to stderr as it is.
---@param text string
function Output:write_error(text)
  io.stderr:write(without_secrets(self, text))
end

return M
