--- When to ask again: back-off with full jitter, the service's Retry-After, and a budget per client, so that a service
--- in trouble is not asked more than one in health.

local limits = require "openhands.limits"

local M = {}

local SHORTEST, LONGEST = 0.5, 20 -- seconds of back-off: the first ceiling, the last
local CAPACITY = 20 -- retries that may be spent at once
local REFUND = 0.5 -- what a success gives back

---@class openhands.Retry
---@field private _random fun(): number uniform in [0, 1)
---@field private _tokens number retries that may still be spent
local methods = {}
local Retry = { __index = methods, __name = "openhands.Retry" }

---@param random fun(): number uniform in [0, 1)
---@return openhands.Retry
function M.new(random)
  return setmetatable({ _random = random, _tokens = CAPACITY }, Retry)
end

--- Seconds of back-off before try `attempt` + 1, whatever the budget says.
---@param attempt integer tries made so far, from 1
---@return number seconds
function methods:backoff(attempt)
  return self._random() * math.min(LONGEST, SHORTEST * 2 ^ attempt)
end

--- Seconds to wait before asking again after a failure, or nil if that should not be done. A retry is spent only if
--- there is time for it.
---@param attempt integer tries made so far, from 1
---@param err openhands.Error
---@param time_left number? seconds within which to ask again
---@return number? seconds
function methods:delay(attempt, err, time_left)
  if not err.retryable or self._tokens < 1 or (err.retry_after or 0) > limits.LONGEST_RETRY_AFTER then
    return nil
  end
  local delay = err.retry_after and err.retry_after + self._random() * SHORTEST or self:backoff(attempt)
  if time_left and delay >= time_left then
    return nil
  end
  self._tokens = self._tokens - 1
  return delay
end

--- Notes a call that went well.
function methods:succeeded()
  self._tokens = math.min(CAPACITY, self._tokens + REFUND)
end

return M
