--- Writes moments, in UTC.

local M = {}

local LATEST = 253402300799 -- the last second of the year 9999

local function date(format, moment)
  if not moment or moment < 0 or moment > LATEST then
    return nil
  end
  return os.date(format, math.floor(moment)) --[[@as string]]
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
function M.text(moment)
  return date("!%Y-%m-%d %H:%M", moment)
end

return M
