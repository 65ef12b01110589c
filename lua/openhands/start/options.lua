--- What a start takes besides its fields and settings.

local errors = require "openhands.errors"
local repositories = require "openhands.api.repository"

local M = {}

--- The options that are no settings.
---@type table<string, boolean>
M.names = { resume = true, stream = true, on_progress = true, on_id = true }

local function check_functions(caller, split)
  for _, option in ipairs { "on_progress", "on_id" } do
    if split[option] ~= nil and type(split[option]) ~= "function" then
      errors.raise(("%s: '%s' must be a function, not a %s"):format(caller, option, type(split[option])))
    end
  end
end

--- Parts the options from the fields, among which they may stand. Raises for the caller's mistakes.
---@param caller string name of the call
---@param fields any
---@param options table?
---@return table fields, table options
function M.split(caller, fields, options)
  if type(fields) ~= "table" then
    errors.raise(("%s: needs a table of fields, not a %s"):format(caller, type(fields)))
  end
  local split = {}
  for option in pairs(M.names) do
    split[option] = options and options[option]
    if rawget(fields, option) ~= nil then
      split[option] = fields[option]
    end
  end
  check_functions(caller, split)
  fields = repositories.in_fields(caller, fields, true)
  if next(split) == nil then
    return fields, split
  end
  local rest = {}
  for field, value in pairs(fields) do
    if not M.names[field] then
      rest[field] = value
    end
  end
  return setmetatable(rest, getmetatable(fields)), split
end

return M
