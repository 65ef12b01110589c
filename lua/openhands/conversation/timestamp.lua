--- Reads the moments that the service writes.

local M = {}

-- Returns the days from 1970 to a date.
local function days_until(year, month, day)
  if month < 3 then -- years that begin in March have their leap day at the end
    year, month = year - 1, month + 12
  end
  local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leap_days + math.floor((153 * month - 457) / 5) + day - 719469
end

-- Returns the seconds by which a moment is before UTC, from the end of its text: "+02:00", "Z", or nothing.
local function offset_of(rest)
  local sign, hours, minutes = rest:match "([+-])(%d%d):?(%d%d)$"
  local seconds = sign and tonumber(hours) * 3600 + tonumber(minutes) * 60 or 0
  return sign == "-" and -seconds or seconds
end

--- Returns an ISO 8601 moment as a number; without a zone it is in UTC.
---@param text any
---@return number? seconds since 1970; nil: it cannot be read
function M.seconds(text)
  if type(text) ~= "string" or #text > 40 then
    return nil
  end
  local year, month, day, hour, minute, second, rest =
    text:match "^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)(.*)$"
  if not year then
    return nil
  end
  local days = days_until(tonumber(year), tonumber(month), tonumber(day))
  local digits = (rest --[[@as string]]):match "^%.(%d+)"
  local fraction = digits and tonumber(digits) / 10 ^ #digits or 0
  return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60 + tonumber(second) + fraction - offset_of(rest)
end

return M
