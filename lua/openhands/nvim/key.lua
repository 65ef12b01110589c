--- Finds the API key without blocking the editor: a string, a function, or a command such as
--- `{ "pass", "show", "openhands" }`. No message contains it, nor what a command wrote.

local configuration = require "openhands.nvim.configuration"
local notice = require "openhands.nvim.notice"
local processes = require "openhands.nvim.process"

local M = {}

local PATIENCE = 5000 -- milliseconds until the user is told what is waited for

-- Where the key is without a configuration, in the library's order.
local VARIABLES = { "OPENHANDS_API_KEY", "OPENHANDS_CLOUD_API_KEY" }

local function first_line(text)
  local line = text:match "^[^\r\n]*"
  return line ~= "" and line or nil
end

---@param command string[]
---@param done fun(problem: string?, key: string?)
local function run_command(command, done)
  for _, word in ipairs(command) do
    if type(word) ~= "string" then
      return done "the command given as api_key must be a list of strings"
    end
  end
  if not command[1] then
    return done "the command given as api_key is empty"
  end
  local has_ended
  vim.defer_fn(function()
    if not has_ended then
      notice.warn(("waiting for the key command, %s"):format(command[1]))
    end
  end, PATIENCE)
  processes.run(command, {}, function(result)
    has_ended = true
    local key = result.code == 0 and first_line(result.output)
    if key then
      done(nil, key)
      return
    end
    local what = result.problem or result.code == 0 and command[1] .. " printed nothing"
      or ("%s ended with %s"):format(command[1], tostring(result.code))
    done(("the command given as api_key gave no key: %s; run it in a terminal to see why"):format(what))
  end)
end

--- Finds the key.
---@param done fun(problem: string?, key: string?) called once; without a problem and a key, the library looks into the
--- environment
function M.find(done)
  local given = configuration.get().api_key
  if type(given) == "function" then
    local good, value = pcall(given)
    if not good then
      return done "the function given as api_key raised an error" -- which may contain the key
    end
    given = value
  end
  if type(given) == "table" then
    return run_command(given, done)
  elseif given ~= nil and type(given) ~= "string" then
    return done("the function given as api_key returned a " .. type(given))
  end
  done(nil, given)
end

--- Returns the key of the environment.
---@return string?
function M.of_environment()
  for _, name in ipairs(VARIABLES) do
    local key = os.getenv(name)
    if key and key ~= "" then
      return key
    end
  end
end

--- Says where the key comes from, never what it is.
---@return string? source
function M.source()
  local given = configuration.get().api_key
  if type(given) == "table" then
    return ("the command `%s`"):format(tostring(given[1]))
  elseif type(given) == "function" then
    return "a function of your configuration"
  elseif type(given) == "string" then
    return "your configuration"
  end
  for _, name in ipairs(VARIABLES) do
    if (os.getenv(name) or "") ~= "" then
      return "the environment variable " .. name
    end
  end
end

return M
