--- Chooses the loop in which a client waits. All waiting in this library goes through a loop. The loops are in `loop/`.

local errors = require "openhands.errors"
local plain = require "openhands.loop.plain"

--- The contract of a loop: how a host waits. The library gets the time only from the loop, and runs tasks only in it. A
--- program may pass its own loop to `openhands.new`.
---
--- Everything that can be waited for is an `openhands.Pending`: the waiter calls `await` until the record is `done` or
--- has `news`; the code that sets those fields calls `wake`. While any caller waits and `client:_is_busy()`, the loop
--- calls `client:_pump(seconds)` whenever the descriptor is readable, or from time to time: this steps the exchanges.
---@class openhands.Loop
---@field name string
---@field now fun(): number seconds, monotonic
---@field wall fun(): number seconds since 1970; used only with times of the service
---@field await fun(client: openhands.Client, pending: openhands.Pending, deadline: number?) returns when the record is
--- `done` or has `news`, when its waiters are woken, or at the deadline by `now`; may also return early, but yields
--- once even if the deadline has passed. Several callers may wait for one record. Raises where waiting is impossible.
---@field wake fun(client: openhands.Client, pending: openhands.Pending)? makes every `await` of the record return; may
--- be called from anywhere
---@field spawn fun(client: openhands.Client, task: openhands.Task)? runs a task, but not before the caller yields:
--- calls `task:resume()` until it returns false; or, in a new coroutine of the host, `task:carry()` or
--- `task:run_in_place()`
---@field attach fun(client: openhands.Client) called once for each new client; must not keep it alive
---@field detach fun(client: openhands.Client) called before the client closes: stops watching its descriptor
---@field is_killed (fun(thread: thread): boolean)? whether the host, if it kills coroutines, has killed this one
---@field is_alone boolean? true while a wait can be a sleep of the whole process: no other code could run meanwhile
---@field refusal fun(): string? why waiting is impossible here and now, or nil; asked before anything is sent. A loop
--- without this function can always wait

local M = {}

local needed = { "now", "wall", "await", "attach", "detach" }

--- Returns the name of the host's loop, which a client uses if the caller chooses none.
---@return string
function M.name_of_host()
  local ngx, vim = rawget(_G, "ngx"), rawget(_G, "vim")
  if type(ngx) == "table" and ngx.get_phase then
    return "nginx"
  elseif type(vim) == "table" and (vim.uv or vim.loop) then
    return "uv"
  end
  return "plain"
end

--- Returns the loop of a client. Raises an error if the loop does not exist or cannot be used.
---@param setting string|table|nil a name, the caller's own loop, or nil: the loop of the host
---@param transport table? carries the exchanges; if given, a plain loop with the transport's clock is used
---@return openhands.Loop
function M.of(setting, transport)
  if transport then
    return plain.of_transport(transport)
  elseif type(setting) == "table" then
    for _, name in ipairs(needed) do
      if type(setting[name]) ~= "function" then
        errors.raise(("new: the loop has no function '%s'"):format(name))
      end
    end
    return setting
  end
  local name = setting or M.name_of_host()
  local found, loop = pcall(require, "openhands.loop." .. name)
  if found then
    ---@cast loop openhands.Loop
    return loop
  elseif type(loop) ~= "string" or errors.is_interrupt(loop) or loop == "not enough memory" then
    error(loop, 0)
  elseif tostring(loop):find("module 'openhands.loop." .. name, 1, true) then
    errors.raise(("new: there is no loop %q"):format(name))
  end
  return errors.raise(("new: the loop %q cannot be used here: %s"):format(name, tostring(loop)))
end

return M
