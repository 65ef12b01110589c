--- Keeps secrets out of the ledger: an item has `{ secret = "NAME" }` in their place. The secret itself is looked up
--- when the start is sent: in the fleet's `secrets`, then in the environment.

local errors = require "openhands.errors"

local M = {}

--- Returns the name of the secret that a value refers to, or nil.
---@param value any
---@return string? name
function M.name_in(value)
  if type(value) ~= "table" then
    return nil
  end
  local name = rawget(value, "secret")
  local is_alone = next(value) == "secret" and next(value, "secret") == nil
  return is_alone and type(name) == "string" and name ~= "" and name or nil
end

--- Returns a copy of the fields of a start in which each string is replaced by `change(string)` and each reference by
--- `resolve(name)`. The field `secrets` is a table of secrets, and is none itself.
---@param fields table
---@param change fun(text: string): string
---@param resolve (fun(name: string): any)? nil: references stay
---@return table
function M.map(fields, change, resolve)
  local function copy(value, above)
    if type(value) == "string" then
      return change(value)
    elseif type(value) ~= "table" then
      return value
    end
    local name = above and M.name_in(value)
    if name then
      return resolve and resolve(name) or { secret = name }
    end
    above = above or {}
    if above[value] then
      errors.raise "fleet.add: a field contains itself"
    end
    above[value] = true
    local fresh = {}
    for key, each in next, value do
      fresh[key] = copy(each, above)
    end
    above[value] = nil
    local mark = getmetatable(value)
    return mark ~= nil and setmetatable(fresh, type(mark) == "table" and mark or {}) or fresh
  end
  local fresh = {}
  for field, value in next, fields do
    fresh[field] = copy(value, field ~= "secrets" and {} or nil)
  end
  return fresh
end

-- Returns a secret, or nil and what went wrong.
local function look_up(secrets, name)
  local value = secrets
  if type(value) == "table" then
    value = value[name]
  end
  if type(value) == "function" then
    local good
    good, value = pcall(value, name)
    if not good and errors.is_interrupt(value) then
      error(value, 0)
    elseif not good then
      return nil, "the function of the fleet's 'secrets' has failed"
    end
  end
  if value == nil then
    value = os.getenv(name)
  end
  if type(value) ~= "string" or value == "" then
    return nil, value == nil and "it is neither in the environment nor in the fleet's 'secrets'"
      or "its value is not a text"
  end
  return value
end

--- Returns the fields of a start with the secrets in place of the references.
---@param fields table
---@param secrets table<string, string|fun(name: string): string?>|fun(name: string): string?|nil of the fleet
---@param key string of the item, for messages
---@return table? fields
---@return openhands.Error? err of kind "invalid", whose message has no secret
---@return string[]? values of the secrets
function M.resolve(fields, secrets, key)
  local problem, values = nil, {}
  local resolved = M.map(fields, function(text) return text end, function(name)
    local value, what = look_up(secrets, name)
    problem = problem or not value and ("the secret '%s' of item '%s' is missing: %s"):format(name, key, what)
    values[#values + 1] = value
    return value
  end)
  if problem then
    return nil, errors.new { kind = "invalid", operation = "start", effect = "none", message = "start: " .. problem }
  end
  return resolved, nil, values
end

return M
