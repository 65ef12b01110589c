--- What a wait takes besides settings.

local errors = require "openhands.errors"
local starting = require "openhands.start"

local M = {}

local seconds = { "timeout", "interval", "answer_timeout", "outage_timeout" }

--- The options that are no settings.
---@type table<string, boolean>
M.names = { on_change = true }

--- The same of a call that starts what it waits for.
---@type table<string, boolean>
M.names_of_run = { on_change = true }

for _, name in ipairs(seconds) do
  M.names[name], M.names_of_run[name] = true, true
end
for name in pairs(starting.option_names) do
  M.names_of_run[name] = true
end

--- Raises for the caller's mistakes.
---@param caller string name of the call
---@param options table
function M.check(caller, options)
  for _, field in ipairs(seconds) do
    local value = options[field]
    if value ~= nil and (type(value) ~= "number" or value < 0 or value ~= value) then
      errors.raise(("%s: '%s' must be a number of seconds, at least 0"):format(caller, field))
    end
  end
  if options.on_change ~= nil and type(options.on_change) ~= "function" then
    errors.raise(("%s: 'on_change' must be a function, not a %s"):format(caller, type(options.on_change)))
  end
end

return M
