--- What a client shows to its service: the account's key, and the session key of a server that somebody runs for
--- themselves. Texts go to the core and stay there; a function is asked before each exchange.

local errors = require "openhands.errors"
local settings = require "openhands.settings"

local M = {}

-- What is the matter with a text that is to be a key, never the text itself.
local function problem_of(key)
  if key == "" then
    return "an empty string"
  elseif key:find "[\r\n]" then
    return "a key with a line break in it"
  elseif key:find "[ \t]" then
    return "a key with a blank in it"
  elseif key:find "[^\33-\126]" then
    return "a key with a byte that is not printable ASCII"
  end
end

local function take_text(values, origins, name)
  local key = values[name]
  if type(key) ~= "string" then
    return nil
  end
  values[name] = nil
  local problem = origins[name] ~= "call" and problem_of(key)
  if problem then
    return nil, ("%s holds %s"):format(origins[name], problem)
  end
  return key
end

---@class openhands.Credentials
---@field api_key string?
---@field session_api_key string?
---@field problem string? what is the matter with those of the environment
---@field session_problem string?

--- Takes the keys that are texts out of a client's settings.
---@param values table
---@param origins table where each came from
---@return openhands.Credentials
function M.take(values, origins)
  local taken = {}
  taken.api_key, taken.problem = take_text(values, origins, "api_key")
  taken.session_api_key, taken.session_problem = take_text(values, origins, "session_api_key")
  return taken
end

-- By Lua's own functions: nginx has others in their place, which would let such a function wait.
local create = rawget(coroutine, "_create") or coroutine.create
local resume = rawget(coroutine, "_resume") or coroutine.resume
local status = rawget(coroutine, "_status") or coroutine.status

-- Asks a function for the key. What it raises may hold the key, and is not told.
local function ask(give)
  local thread = create(function()
    return give()
  end)
  local good, key = resume(thread)
  if not good then
    if errors.is_interrupt(key) then
      error(key, 0)
    end
    return nil, "it raised an error"
  elseif status(thread) ~= "dead" then
    return nil, "it yielded: it cannot wait, and has to have the key at once"
  elseif type(key) ~= "string" then
    return nil, ("it returned %s, not a string"):format(key == nil and "nil" or "a " .. type(key))
  end
  local problem = problem_of(key)
  return not problem and key or nil, problem and "it returned " .. problem
end

local function missing(operation, problem)
  return errors.new {
    kind = "authentication",
    operation = operation,
    effect = "none",
    message = operation .. ": " .. problem,
  }
end

--- The account's key for a call, or nil when the core has what it takes; false and an error when there is none.
---@param client openhands.Client
---@param call table
---@param operation string
---@return string|false|nil key
---@return openhands.Error? err
function M.of_call(client, call, operation)
  local problems = client._key_problems
  local key = rawget(call, "api_key") or client._settings.api_key
  if problems.session then
    return false, missing(operation, problems.session)
  elseif type(key) == "function" then
    local problem
    key, problem = ask(key)
    if key then
      return key
    end
    return false, missing(operation, "the function given as api_key gave no usable key: " .. problem)
  elseif key then
    return key
  elseif client._has_key then
    return nil
  end
  local variables = table.concat(settings.key_variables, " or ")
  return false, missing(operation, problems.account
    or ("there is no API key: give api_key to openhands.new{...}, or set %s (or session_api_key, "
      .. "for a server of your own that wants it)"):format(variables))
end

return M
