--- Converts moments to the service's clock, by which it dates what it creates and which may be days away from ours. The
--- `date` of its responses tells it.

local M = {}

--- A moment, by the clock that never jumps and by the one that goes on while the machine is suspended.
---@class openhands.Moment
---@field at number monotonic, seconds
---@field wall number seconds since 1970, as this machine counts them

--- Returns a moment in the past.
---@param client openhands.Client
---@param seconds number before now
---@return openhands.Moment
function M.ago(client, seconds)
  return { at = client:_now() - seconds, wall = client:_wall() - seconds }
end

--- Returns a moment as the service dates it, rather too early than too late: each of our clocks may be wrong about how
--- long ago it was.
---@param client openhands.Client
---@param moment openhands.Moment
---@return integer? seconds since 1970; nil: no response had a date yet
function M.at_service(client, moment)
  local served = client._served
  if not served then
    return nil
  end
  local by_one = served.date - (served.moment.at - moment.at)
  local by_other = served.date - (served.moment.wall - moment.wall)
  return math.floor(math.min(by_one, by_other, moment.wall))
end

return M
