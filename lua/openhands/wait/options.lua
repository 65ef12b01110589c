--- The options of a wait that are no settings.

local errors = require "openhands.errors"
local starting = require "openhands.start"

local M = {}

local seconds = { "timeout", "interval", "answer_timeout", "outage_timeout" }
local none = {}

--- Their names.
---@type table<string, boolean>
M.names = { on_change = true }

--- Their names and those of a start, for a call that does both.
---@type table<string, boolean>
M.names_of_run = { on_change = true }

for _, name in ipairs(seconds) do
  M.names[name], M.names_of_run[name] = true, true
end
for name in pairs(starting.option_names) do
  M.names_of_run[name] = true
end

--- Returns the options that a caller has given. Raises if one is malformed.
---@param caller string name of the call
---@param options table?
---@return table options
function M.check(caller, options)
  options = options or none
  for _, field in ipairs(seconds) do
    local value = options[field]
    if value ~= nil and (type(value) ~= "number" or value < 0 or value ~= value) then
      errors.raise(("%s: '%s' must be a number of seconds, at least 0"):format(caller, field))
    end
  end
  if options.on_change ~= nil and type(options.on_change) ~= "function" then
    errors.raise(("%s: 'on_change' must be a function, not a %s"):format(caller, type(options.on_change)))
  end
  return options
end

return M
