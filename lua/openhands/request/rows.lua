--- The rows of the core's table of operations, by name and dialect. Each is copied from the core when it is first used:
--- a program uses few of them.

local core = require "openhands.core"

--- One row of the core's table: an operation in one dialect.
---@class openhands.Row
---@field name string
---@field api "v0"|"v1"|"agent"
---@field method string
---@field path string
---@field host string where it is served
---@field shape string of the answer
---@field effect "reads"|"writes"|"creates"
---@field timeout number seconds
---@field description string
---@field fields { name: string, place: string, kind: string, type: string, required: boolean }[]

---@type table<string, table<string, openhands.Row?>>
local rows_of = setmetatable({}, {
  __index = function(all, name)
    local found = {}
    for _, row in ipairs(core.operations(name)) do
      found[row.api] = row
    end
    all[name] = found
    return found
  end,
})

return rows_of
