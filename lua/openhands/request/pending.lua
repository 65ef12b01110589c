--- The record that every wait meets at: who waits for it reads it, who fulfils it writes it and wakes the waiters.

local M = {}

--- A result that is not there yet: of an exchange, of a task, of another coroutine's work. The wait groups, polls and
--- locks of this library extend it.
---@class openhands.Pending
---@field done boolean? the result is there, for good
---@field news boolean? something has come before the end; the reader sets it back to nil
---@field number integer? of the exchange in the core that it is the result of
---@field value any of the exchange, if it succeeded
---@field err table? of the exchange, if it failed: the core's own error table
---@field arrived number? bytes of the response body seen so far, where somebody follows them
---@field items table[]? items of a stream that have come whole and were not taken yet
---@field wakes integer? how often the waiters were woken (plain, uv)
---@field parked table<openhands.SchedulerEntry, boolean>? tasks that wait for it (the scheduler of plain and uv)
---@field waiters table<table, boolean>? coroutines that wait for it (copas, nginx)
---@field condition any condition variable that they wait on (cqueues)
---@field has_begun boolean? its exchange was sent on its way (nginx)

--- Creates a record that nothing has happened to.
---@param number integer? of the exchange that it stands for
---@return openhands.Pending
function M.new(number)
  return { number = number }
end

return M
