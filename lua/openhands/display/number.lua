--- Writes numbers for people and for programs, in the same way in every locale.

local M = {}

local floor = math.floor

--- Returns whether a value is a number that can be written.
---@param value any
---@return boolean
function M.is_finite(value)
  return type(value) == "number" and value == value and value > -2 ^ 53 and value < 2 ^ 53
end

--- Writes a number of at least 0 with a fixed number of decimals.
---@param number number
---@param places integer
---@return string
function M.fixed(number, places)
  local digits = ("%.0f"):format(floor(number * 10 ^ places + 0.5))
  if places == 0 then
    return digits
  end
  digits = ("0"):rep(places + 1 - #digits) .. digits
  return digits:sub(1, -places - 1) .. "." .. digits:sub(-places)
end

--- Writes a number of at least 0 with as many decimals as it has, at most `places`.
---@param number number
---@param places integer
---@return string
function M.decimal(number, places)
  local text = M.fixed(number, places)
  return text:find(".", 1, true) and (text:gsub("0+$", ""):gsub("%.$", "")) or text
end

--- Writes an amount of dollars.
---@param cost number?
---@return string
function M.money(cost)
  if not cost then
    return "-"
  elseif cost > 0 and cost < 0.005 then
    return "<$0.01"
  end
  return "$" .. M.fixed(cost, 2)
end

return M
