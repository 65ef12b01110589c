--- A carrier of exchanges in place of the network: the simulator's model in the same process, or a spec's own.
---
--- A transport is a table with `request(self, request)`, which answers `{status, headers, body}` or
--- `{class = "connect"|"timeout"|"tls"|"cut", sent = boolean}`, and, where its time is not the clock's, `now()`,
--- `wall()` and `sleep(seconds)`. `headers` is a list of pairs of name and value.

local ascii = require "openhands.ascii"

local M = {}

local function header(answer, name)
  for _, pair in ipairs(answer.headers or {}) do
    if ascii.lower(pair[1]) == name then
      return pair[2]
    end
  end
end

--- Carries one request of the core's, in the form that the core takes its answers.
---@param transport table
---@param request table `method`, `path`, `query`, `body`, `headers`
---@return table answer
function M.carry(transport, request)
  local answer = transport:request(request)
  return {
    status = answer.status,
    body = answer.body,
    content_type = header(answer, "content-type"),
    retry_after = header(answer, "retry-after"),
    date = header(answer, "date"),
    transport = answer.class,
    sent = answer.sent,
    reason = answer.reason,
  }
end

return M
