--- Tells where in nginx Lua code may wait: in timers and some of the phases of a request, but not inside a C function.

local coroutines = require "openhands.task.coroutines"
local ngx = require "ngx"

local M = {}

local can_wait_in = {
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
  exit_worker = "the worker is about to exit; call it earlier, in a request or a timer",
}

--- Returns why waiting is impossible here, as a loop's `refusal`.
---@return string?
function M.refusal()
  local phase = ngx.get_phase()
  if not can_wait_in[phase] then
    return ("waiting is not possible in nginx's phase %q: %s"):format(
      phase,
      advice[phase] or "call it in ngx.timer.at(0, function() ... end)"
    )
  elseif not coroutines.can_yield() then
    return "waiting is not possible inside a C function, such as `require` while it loads a file, or table.sort: "
      .. "call it from a Lua function of the handler"
  end
end

return M
