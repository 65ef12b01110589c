--- Checks the arguments of the ledger's operations: wrong ones are mistakes of the calling module.

local errors = require "openhands.errors"

local M = {}

local function wrong(operation, name, expected)
  errors.raise(("%s: '%s' must be %s"):format(operation, name, expected))
end

--- Returns a text without zero bytes, which databases would cut.
function M.text(operation, fields, name, default)
  local value = fields[name]
  if value == nil and default ~= nil then
    return default or nil
  elseif type(value) ~= "string" or value == "" or value:find("\0", 1, true) then
    wrong(operation, name, "a text without zero bytes")
  end
  return value
end

--- Returns a finite number of at least `least`.
function M.number(operation, fields, name, default, least)
  local value = fields[name]
  if value == nil and default ~= nil then
    return default or nil
  elseif type(value) ~= "number" or value ~= value or value < least or value > 2 ^ 53 then
    wrong(operation, name, ("a number of at least %d"):format(least))
  end
  return value
end

--- Returns a whole number of at least `least`.
function M.whole(operation, fields, name, default, least)
  local value = M.number(operation, fields, name, default, least)
  if value and value ~= math.floor(value) then
    wrong(operation, name, "a whole number")
  end
  return value
end

--- Raises if a table has a field of another name.
---@param operation string
---@param fields table
---@param known string names, each with a space before and after it
function M.check_names(operation, fields, known)
  if type(fields) ~= "table" then
    errors.raise(operation .. ": a table of fields is required")
  end
  for name in pairs(fields) do
    if type(name) ~= "string" or not known:find(" " .. name .. " ", 1, true) then
      errors.raise(("%s: unknown field '%s'"):format(operation, tostring(name)))
    end
  end
end

--- Checks which fields an operation on a fleet has. Returns those that name the fleet.
---@param operation string
---@param fields table
---@param more? string names of further fields, each with a space after it
---@return string account_id
---@return string fleet
function M.fleet(operation, fields, more)
  M.check_names(operation, fields, " account_id fleet " .. (more or ""))
  return M.text(operation, fields, "account_id"), M.text(operation, fields, "fleet")
end

return M
