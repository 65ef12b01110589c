--- The credentials of a client: the account's key, and the session key of a self-hosted server. Keys that are
--- strings are kept in the core only. A function that returns the key is called before each exchange that
--- sends it.

local core = require "openhands.core"
local errors = require "openhands.errors"
local settings = require "openhands.settings"

local M = {}

local KEYS_PAGE = "https://app.all-hands.dev/settings/api-keys"

local function take_text(values, origins, name)
  local key = values[name]
  if type(key) ~= "string" then
    return nil
  end
  values[name] = nil
  local problem = origins[name] ~= "call" and core.key_problem(key)
  if problem then
    return nil, ("%s holds a key that %s"):format(origins[name], problem)
  end
  return key
end

---@class openhands.Credentials
---@field api_key string?
---@field session_api_key string?
---@field problem string? what is wrong with the key of the environment
---@field session_problem string?

--- Removes the keys that are strings from a client's settings, and returns them.
---@param values table
---@param origins table where each came from
---@return openhands.Credentials
function M.take(values, origins)
  local taken = {}
  taken.api_key, taken.problem = take_text(values, origins, "api_key")
  taken.session_api_key, taken.session_problem = take_text(values, origins, "session_api_key")
  return taken
end

-- Lua's own functions. nginx replaces them by versions that would let the user's function yield.
local create = rawget(coroutine, "_create") or coroutine.create
local resume = rawget(coroutine, "_resume") or coroutine.resume
local status = rawget(coroutine, "_status") or coroutine.status

-- Calls a function that returns the key. An error that it raises may contain the key, so it is not passed on.
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
    return nil, "it yielded: it must return the key without waiting"
  elseif type(key) ~= "string" then
    return nil, ("it returned %s, not a string"):format(key == nil and "nil" or "a " .. type(key))
  end
  local problem = core.key_problem(key)
  return not problem and key or nil, problem and "it returned a key that " .. problem
end

local function missing(operation, problem)
  return errors.new {
    kind = "authentication",
    operation = operation,
    effect = "none",
    message = operation .. ": " .. problem,
  }
end

--- Returns the account's key for a call; nil if the core has a key already; false and an error if no key is usable.
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
    or ("there is no API key: give api_key to openhands.new{...}, or set %s (or give session_api_key, "
      .. "for a self-hosted server that requires it); keys are made at %s, `openhands-lua login` gets one for the "
      .. "command, and `openhands-lua simulate` works without an account"):format(variables, KEYS_PAGE))
end

return M
