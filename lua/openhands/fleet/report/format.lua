--- Writes numbers and moments for people and for programs, in the same way in every locale.

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

--- Writes a time in at most two units.
---@param seconds number?
---@return string
function M.duration(seconds)
  if not seconds then
    return "-"
  end
  local whole = floor(seconds + 0.5)
  if whole < 60 then
    return ("%.0fs"):format(whole)
  elseif whole < 3600 then
    return ("%.0fm %02.0fs"):format(floor(whole / 60), whole % 60)
  elseif whole < 86400 then
    return ("%.0fh %02.0fm"):format(floor(whole / 3600), floor(whole % 3600 / 60))
  end
  return ("%.0fd %02.0fh"):format(floor(whole / 86400), floor(whole % 86400 / 3600))
end

local LATEST = 253402300799 -- the last second of the year 9999

local function date(format, moment)
  if not moment or moment < 0 or moment > LATEST then
    return nil
  end
  return os.date(format, floor(moment)) --[[@as string]]
end

--- Writes a moment for programs, in ISO 8601.
---@param moment number? seconds since 1970
---@return string?
function M.iso(moment)
  return date("!%Y-%m-%dT%H:%M:%SZ", moment)
end

--- Writes a moment for people, in UTC.
---@param moment number? seconds since 1970
---@return string?
function M.moment(moment)
  return date("!%Y-%m-%d %H:%M", moment)
end

return M
