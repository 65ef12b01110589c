--- Limits how often all waits of one client together send requests: a token bucket.

local M = {}

local BURST = 5 -- requests that may be sent at once
local SECONDS_PER_REQUEST = 1.15 -- after the burst: together less than 60 in any minute
local SHORTEST_SLEEP = 0.01 -- seconds

---@class openhands.RequestRate
---@field private _left number requests that may be sent at once; negative after requests beyond the limit
---@field private _quiet_until number monotonic moment before which no request may be sent
---@field private _counted_at number? monotonic moment at which `_left` was counted
local methods = {}
local RequestRate = { __index = methods, __name = "openhands.RequestRate" }

---@return openhands.RequestRate
function M.new()
  return setmetatable({ _left = BURST, _quiet_until = -math.huge }, RequestRate)
end

--- Returns whether a number of requests may be sent now.
---@param now number monotonic, seconds
---@param count integer
---@return boolean
function methods:allows(now, count)
  self._left = math.min(BURST, self._left + (now - (self._counted_at or now)) / SECONDS_PER_REQUEST)
  self._counted_at = now
  return self._left >= count and now >= self._quiet_until
end

--- Notes that a request is sent. A request beyond the limit delays the next one.
---@param now number monotonic, seconds
function methods:spend(now)
  self:allows(now, 1)
  self._left = self._left - 1
end

--- Allows no request before a moment, because the service has asked for a pause.
---@param moment number monotonic, seconds
function methods:pause_until(moment)
  self._quiet_until = math.max(self._quiet_until, moment)
end

--- Returns the moment at which the next request may be sent, if none may be sent now.
---@param now number monotonic, seconds
---@return number moment
function methods:next_moment(now)
  return math.max(now + math.max((1 - self._left) * SECONDS_PER_REQUEST, SHORTEST_SLEEP), self._quiet_until)
end

return M
