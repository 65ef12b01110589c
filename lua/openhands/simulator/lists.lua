--- Functions on lists.
local M = {}

--- Tells whether a list includes a value.
---@param list any[]
---@param value any
---@return boolean
function M.includes(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

--- Returns a new list of the items for which `passes` returns a true value.
---@generic T
---@param list T[]
---@param passes fun(item: T): any
---@return T[]
function M.select(list, passes)
  local found = {}
  for _, item in ipairs(list) do
    if passes(item) then
      found[#found + 1] = item
    end
  end
  return found
end

--- Returns a list in reverse order.
---@generic T
---@param list T[]
---@return T[]
function M.reversed(list)
  local reversed = {}
  for position = #list, 1, -1 do
    reversed[#reversed + 1] = list[position]
  end
  return reversed
end

return M
