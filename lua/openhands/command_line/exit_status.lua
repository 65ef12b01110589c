--- The exit statuses of the command: what a script can tell without reading any text.

local M = {}

M.OK = 0
M.ERROR = 1
M.FAILED = 2
M.REFUSED = 3
M.TIMEOUT = 4
M.WAITING = 5
M.INTERRUPTED = 130

--- What each means, in order, for `--help` and the pages.
---@type { [1]: integer, [2]: string }[]
M.meanings = {
  { M.OK, "all went well" },
  { M.ERROR, "wrong usage or configuration, or the service did not do what was asked" },
  { M.FAILED, "some conversations or runs have not finished: failed, paused, stopped, gone, or with unknown outcome" },
  { M.REFUSED, "the service refused a start: too many conversations at once, or no more today; or a budget is spent" },
  { M.TIMEOUT, "the time to wait is over; the conversations go on" },
  { M.WAITING, "a conversation waits for a person to confirm something" },
  { M.INTERRUPTED, "interrupted (Ctrl-C); conversations go on" },
}

local of_kind = { limit = M.REFUSED, quota = M.REFUSED, ambiguous = M.FAILED, cancelled = M.INTERRUPTED }
local waits = { wait = true, wait_all = true, wait_any = true, run = true }

--- Returns the status for an error.
---@param err openhands.Error
---@return integer
function M.of_error(err)
  if err.kind == "timeout" and waits[err.operation or ""] then
    return M.TIMEOUT
  end
  return of_kind[err.kind] or M.ERROR
end

local of_state = { finished = M.OK, waiting = M.WAITING }

--- Returns the status for a conversation that was waited for.
---@param conversation openhands.Conversation
---@return integer
function M.of_conversation(conversation)
  if not conversation.settled then
    return M.TIMEOUT
  end
  return of_state[conversation.state] or M.FAILED
end

--- Returns the status for several subjects: the common one; else that some failed, wait, or go on, in this order.
---@param statuses integer[]
---@return integer
function M.combined(statuses)
  local has, first, is_common = {}, statuses[1] or M.OK, true
  for _, status in ipairs(statuses) do
    has[status] = true
    is_common = is_common and status == first
  end
  if is_common then
    return first
  elseif has[M.INTERRUPTED] then
    return M.INTERRUPTED
  elseif has[M.FAILED] or has[M.ERROR] or has[M.REFUSED] then
    return M.FAILED
  end
  return has[M.WAITING] and M.WAITING or M.TIMEOUT
end

return M
