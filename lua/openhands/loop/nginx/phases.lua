--- Where in nginx somebody may wait: in which of its phases, and not inside of a C function.

local coroutines = require "openhands.task.coroutines"
local ngx = require "ngx"

local M = {}

local may_wait = {
  rewrite = true,
  server_rewrite = true,
  access = true,
  precontent = true,
  content = true,
  timer = true,
  ssl_cert = true,
  ssl_client_hello = true,
  ssl_session_fetch = true,
  proxy_ssl_cert = true,
  proxy_ssl_verify = true,
  preread = true,
}

local advice = {
  init = "call it in a request, or from init_worker_by_lua in ngx.timer.at(0, function() ... end)",
  exit_worker = "the worker is about to end; call it earlier, in a request or a timer",
}

--- Why nobody may wait here, as a loop's `refusal`.
---@return string?
function M.refusal()
  local phase = ngx.get_phase()
  if not may_wait[phase] then
    return ("nginx lets nothing wait in its phase %q: %s"):format(
      phase,
      advice[phase] or "call it in ngx.timer.at(0, function() ... end)"
    )
  elseif not coroutines.can_yield() then
    return "nothing can wait inside of a C function, such as `require` while it loads a file, or table.sort: "
      .. "call it from a function of the handler's"
  end
end

return M
