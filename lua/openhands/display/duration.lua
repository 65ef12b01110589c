--- Writes times for people.

local M = {}

local floor = math.floor

--- Writes a time in at most two units: "7s", "12m31s", "2h05m", "3d04h".
---@param seconds number? at least 0
---@return string "-" for nil, and for what is no time
function M.text(seconds)
  if type(seconds) ~= "number" or not (seconds > -1 and seconds < 2 ^ 53) then
    return "-"
  end
  local whole = floor(seconds + 0.5)
  if whole < 60 then
    return ("%.0fs"):format(math.max(whole, 0))
  elseif whole < 3600 then
    return ("%.0fm%02.0fs"):format(floor(whole / 60), whole % 60)
  elseif whole < 86400 then
    return ("%.0fh%02.0fm"):format(floor(whole / 3600), floor(whole % 3600 / 60))
  end
  return ("%.0fd%02.0fh"):format(floor(whole / 86400), floor(whole % 86400 / 3600))
end

return M
