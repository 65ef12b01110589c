--- What time it is at the service: its clock may be days away from ours, and what it created it dates by its own. Knows
--- it from the answers that say it.

local M = {}

--- A moment, by the clock that never jumps and by the one that goes on while the machine sleeps.
---@class openhands.Moment
---@field at number monotonic, seconds
---@field wall number seconds since 1970, as this machine counts them

--- Notes when the service says to have given an answer that has just come.
---@param client openhands.Client
---@param date integer seconds since 1970
function M.note(client, date)
  client._served = { date = date, moment = M.ago(client, 0) }
end

--- A moment in the past.
---@param client openhands.Client
---@param seconds number before now
---@return openhands.Moment
function M.ago(client, seconds)
  return { at = client:_now() - seconds, wall = client:_wall() - seconds }
end

--- A moment as the service dates it, rather too early than too late: each of our clocks may be wrong about how long ago
--- something was, or what time it is.
---@param client openhands.Client
---@param moment openhands.Moment
---@return integer? seconds since 1970; nil: the service has never said what time it is
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
