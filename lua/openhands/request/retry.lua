--- The retry policy: back-off with full jitter, the service's Retry-After, and a budget per client. The budget keeps
--- retries from adding load to a service in trouble.

local limits = require "openhands.limits"

local M = {}

local UNIT, LONGEST = 0.5, 20 -- seconds; after n tries the back-off is random, below UNIT * 2^n and below LONGEST
local BUDGET = 20 -- retries that may be spent at once
local REFUND = 0.5 -- retries that a success returns to the budget

---@class openhands.Retry
---@field spent number retries taken from the budget and not returned yet
---@field private _random fun(): number uniform in [0, 1)
local methods = {}
local Retry = { __index = methods, __name = "openhands.Retry" }

--- Creates the retry policy of a client, with a full budget.
---@param random fun(): number uniform in [0, 1)
---@return openhands.Retry
function M.new(random)
  return setmetatable({ _random = random, spent = 0 }, Retry)
end

--- Returns the seconds of back-off before try `attempt` + 1, without regard to the budget.
---@param attempt integer tries made so far, from 1
---@return number seconds
function methods:backoff(attempt)
  return self._random() * math.min(LONGEST, UNIT * 2 ^ attempt)
end

--- Returns the seconds to wait before the next try, or nil if there should be none. Takes a retry from the budget only
--- if there is time for it.
---@param attempt integer tries made so far, from 1
---@param err openhands.Error
---@param time_left number? seconds within which the next try must begin
---@return number? seconds
function methods:delay(attempt, err, time_left)
  if not err.retryable or self.spent > BUDGET - 1 or (err.retry_after or 0) > limits.LONGEST_RETRY_AFTER then
    return nil
  end
  local delay = err.retry_after and err.retry_after + self._random() * UNIT or self:backoff(attempt)
  if time_left and delay >= time_left then
    return nil
  end
  self.spent = self.spent + 1
  return delay
end

--- Records a call that succeeded: returns a part of a retry to the budget.
function methods:note_success()
  self.spent = math.max(0, self.spent - REFUND)
end

return M
