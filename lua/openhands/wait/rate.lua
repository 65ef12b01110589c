--- How often all who wait on one client may ask together: requests that gather with time, up to a few.

local M = {}

local BURST = 5 -- requests that may go out at once
local EVERY = 1.15 -- seconds in which there is another one: with the burst, less than 60 in any minute
local SHORTEST = 0.01 -- seconds that are worth sleeping

---@class openhands.Pace
---@field private _left number requests that may go out at once
---@field private _quiet_until number monotonic moment
---@field private _counted_at number? monotonic moment
local methods = {}
local Pace = { __index = methods, __name = "openhands.Pace" }

---@return openhands.Pace
function M.new()
  return setmetatable({ _left = BURST, _quiet_until = -math.huge }, Pace)
end

--- Whether a request may go out, or so many.
---@param now number monotonic, seconds
---@param count integer?
---@return boolean
function methods:allows(now, count)
  self._left = math.min(BURST, self._left + (now - (self._counted_at or now)) / EVERY)
  self._counted_at = now
  return self._left >= (count or 1) and now >= self._quiet_until
end

--- Notes requests that went out. There may have been more than were allowed: then the next one is further away.
---@param count integer
---@param now number monotonic, seconds
function methods:spend(count, now)
  self:allows(now)
  self._left = self._left - count
end

--- No request before that moment: the service has asked for it.
---@param moment number monotonic, seconds
function methods:hold(moment)
  self._quiet_until = math.max(self._quiet_until, moment)
end

--- When a request may go out that may not now.
---@param now number monotonic, seconds
---@return number moment
function methods:next_moment(now)
  return math.max(now + math.max((1 - self._left) * EVERY, SHORTEST), self._quiet_until)
end

return M
