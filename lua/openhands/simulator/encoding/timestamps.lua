--- Converts between ISO-8601 text and seconds since 1970 (UTC). Does not use os.time: the model is independent of the
-- clock and the time zone of this machine.
local ascii = require "openhands.simulator.encoding.ascii"

local M = {}

local floor = math.floor

-- Returns the days from 1970-01-01 to a date; `date_of` does the reverse. In both, the year starts in March, so that a
-- leap day is its last day.
local function days_of(year, month, day)
  local shifted = month <= 2 and year - 1 or year
  local era = floor(shifted / 400)
  local year_of_era = shifted - era * 400
  local day_of_year = floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return era * 146097 + year_of_era * 365 + floor(year_of_era / 4) - floor(year_of_era / 100) + day_of_year - 719468
end

local function date_of(days)
  local shifted = days + 719468
  local era = floor(shifted / 146097)
  local day_of_era = shifted - era * 146097
  local year_of_era = floor((day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524)
    - floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
  local shifted_month = floor((5 * day_of_year + 2) / 153)
  local month = shifted_month < 10 and shifted_month + 3 or shifted_month - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return year, month, day_of_year - floor((153 * shifted_month + 2) / 5) + 1
end

--- Formats a time without a zone and with six decimals, as in the events of the service.
---@param seconds number since 1970, UTC
---@return string
function M.naive(seconds)
  local whole = floor(seconds)
  local micros = floor((seconds - whole) * 1e6 + 0.5)
  if micros == 1e6 then
    whole, micros = whole + 1, 0
  end
  local year, month, day = date_of(floor(whole / 86400))
  local rest = whole % 86400
  return ("%04d-%02d-%02dT%02d:%02d:%02d.%06d"):format(year, month, day, floor(rest / 3600), floor(rest / 60) % 60,
    rest % 60, micros)
end

--- Formats a time with `Z`. Omits a fraction of zero, as the service does.
---@param seconds number since 1970, UTC
---@return string
function M.utc(seconds)
  return (M.naive(seconds):gsub("%.000000$", "")) .. "Z"
end

--- Parses an ISO-8601 timestamp. Without a zone, it is in UTC.
---@param text string
---@return number? seconds since 1970; nil if the text is not a timestamp
function M.parse(text)
  local year, month, day, hour, minute, second, rest =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(.*)$")
  if not year then
    return nil
  end
  local fraction, zone = (rest --[[@as string]]):match("^(%.%d+)(.*)$")
  zone = zone or rest
  local offset = 0 --[[@as number]]
  if zone ~= "" and zone ~= "Z" and zone ~= "z" then
    local sign, hours, minutes = (zone --[[@as string]]):match("^([+-])(%d%d):?(%d%d)$")
    if not sign then
      return nil
    end
    offset = (hours * 3600 + minutes * 60) * (sign == "-" and -1 or 1)
  end
  local days = days_of(tonumber(year), tonumber(month), tonumber(day))
  local part = fraction and ascii.to_number("0" .. fraction) or 0
  return days * 86400 + hour * 3600 + minute * 60 + second + part - offset
end

local weekdays = { [0] = "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }
local months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

--- Formats a time for a `Date` header.
---@param seconds number since 1970, UTC
---@return string
function M.http(seconds)
  local days, rest = floor(seconds / 86400), floor(seconds % 86400)
  local year, month, day = date_of(days)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(weekdays[days % 7], day, months[month], year,
    floor(rest / 3600), floor(rest / 60) % 60, rest % 60)
end

return M
