--- Converts moments to the service's clock, which dates conversations and tasks and may differ from ours by days. It is
--- known from the `date` header of responses.

local M = {}

--- A moment on two clocks: the monotonic one, which never jumps, and the wall clock, which runs on during a suspend.
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

--- Returns a moment on the service's clock. Each of our clocks may be wrong about how long ago the moment was. Start
--- tasks are searched from the result on, so it must not be too late: the earliest of three values counts. Two are
--- the date of a response minus the time from the moment to that response, by each of our clocks; the third is the
--- moment by our wall clock.
---@param client openhands.Client
---@param moment openhands.Moment
---@return integer? seconds since 1970; nil: no response had a date yet
function M.at_service(client, moment)
  local served = client._service_time
  if not served then
    return nil
  end
  local by_one = served.date - (served.moment.at - moment.at)
  local by_other = served.date - (served.moment.wall - moment.wall)
  return math.floor(math.min(by_one, by_other, moment.wall))
end

--- Returns the seconds by which the service's clock is ahead of the wall clock of this machine.
---@param client openhands.Client
---@return number? nil: no response had a date yet
function M.skew(client)
  local served = client._service_time
  return served and served.date - served.moment.wall
end

return M
