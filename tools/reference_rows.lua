-- The core's table of operations as the pages of the reference need it: by name, with the rows of each dialect.
local core = require "openhands.core"

local M = {}

local TITLES = { v0 = "V0", v1 = "V1", agent = "agent server" }
local DIALECTS = { "v0", "v1", "agent" }

--- Returns the names of the operations (those of groups last), and the rows of each by dialect.
---@param of_agent boolean of the agent server, or of the service
---@return string[] names
---@return table<string, table<string, table>> rows
function M.collect(of_agent)
  local names, rows = {}, {}
  for _, row in ipairs(core.operations()) do
    if (row.api == "agent") == of_agent then
      if not rows[row.name] then
        rows[row.name] = {}
        names[#names + 1] = row.name
      end
      rows[row.name][row.api] = row
    end
  end
  table.sort(names, function(one, other)
    local grouped, other_grouped = one:find(".", 1, true) ~= nil, other:find(".", 1, true) ~= nil
    if grouped ~= other_grouped then
      return not grouped
    end
    return core.is_before(one, other)
  end)
  return names, rows
end

--- Returns what an operation does, in one line, from its row. Raises if the row does not say.
---@param rows table<string, table> of one operation
---@return string
function M.description(rows)
  local row = rows.v1 or rows.v0 or rows.agent
  return row.description or error(("the row of %s has no description"):format(row.name))
end

-- Fields that the library fills in, if they are not given.
local filled = { changes = { path = true } }

--- Returns the fields of all rows of an operation, each with the dialects that have it.
---@param rows table<string, table>
---@return table[]
function M.fields(rows)
  local list, by_name = {}, {}
  for _, api in ipairs(DIALECTS) do
    for _, field in ipairs(rows[api] and rows[api].fields or {}) do
      local known = by_name[field.name]
      if not known then
        known = { name = field.name, kind = field.kind, apis = {} }
        by_name[field.name] = known
        list[#list + 1] = known
      end
      known.apis[api] = true
      local is_filled = api ~= "agent" and filled[rows[api].name] and filled[rows[api].name][field.name]
      known.required = known.required or field.required and not is_filled
    end
  end
  return list
end

local function count(set)
  local number = 0
  for _ in pairs(set) do
    number = number + 1
  end
  return number
end

--- Returns " (V1)" for a field that not every dialect of the operation has, else "".
---@param field table
---@param rows table<string, table>
---@return string
function M.restriction(field, rows)
  if count(field.apis) == count(rows) then
    return ""
  end
  for _, api in ipairs(DIALECTS) do
    if field.apis[api] then
      return (" (%s)"):format(TITLES[api])
    end
  end
end

return M
