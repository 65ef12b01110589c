--- Defines the record of a result that is still to come. The code that obtains the result writes it into the record and
--- wakes the waiters.

local M = {}

--- A result that is still to come, of an exchange, a task or another coroutine's work. The wait groups, polls and locks
--- of this library extend it.
---@class openhands.Pending
---@field done boolean? the result has come and will not change
---@field news boolean? a part has come before the end; the reader resets it to nil
---@field number integer? of the exchange in the core
---@field value any of the exchange, if it succeeded
---@field err table? of the exchange, if it failed: the core's own error table
---@field arrived number? bytes of the response body so far, if a caller reads its progress
---@field items table[]? complete items of a stream that were not taken yet
---@field wakes integer? number of times that the waiters were woken (plain, uv)
---@field parked table<openhands.SchedulerEntry, boolean>? tasks that wait for it (the scheduler of plain and uv)
---@field waiters table<table, boolean>? coroutines that wait for it (copas, nginx)
---@field condition any condition variable that they wait on (cqueues)
---@field has_begun boolean? its exchange was started (nginx)

--- Creates a record without a result.
---@param number integer? of its exchange in the core
---@return openhands.Pending
function M.new(number)
  return { number = number }
end

return M
