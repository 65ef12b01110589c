--- Which loop a client waits in. Whatever waits in this library does it through one of these; each is in `loop/`.

local errors = require "openhands.errors"
local plain = require "openhands.loop.plain"

--- How a host waits. All that this library knows of time and of coroutines, it knows from here.
---@class openhands.Loop
---@field name string
---@field now fun(): number seconds on a clock that never jumps
---@field wall fun(): number seconds since 1970, only to speak of moments to the service
---@field await fun(client: openhands.Client, pending: openhands.Pending, deadline: number?) returns when
--- the record is `done` or has `news`, when its waiters are woken, or at the deadline by `now`; may also return early.
--- Moves the client's exchanges on meanwhile. Several may wait for one record. Raises where waiting is impossible.
---@field wake fun(client: openhands.Client, pending: openhands.Pending)? makes every `await` of the record return; may
--- be called from anywhere
---@field spawn fun(client: openhands.Client, task: openhands.Task)? calls `task:resume()`, or `task:carry()`, in a
--- coroutine of its own, not before the caller gives way
---@field attach fun(client: openhands.Client) a client is there
---@field detach fun(client: openhands.Client) it is about to close: nothing may watch its descriptor from now on
---@field is_killed (fun(thread: thread): boolean)? whether a coroutine was ended from outside, where a host does that
---@field refusal fun(): string? why nobody may wait here and now, if that is so; asked before anything is sent

local M = {}

local needed = { "now", "wall", "await", "attach", "detach" }

--- The name of the loop that a client has if nobody chooses: that of the host.
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

--- The loop of a client. Raises if there is none such.
---@param setting string|table|nil a name, a loop of the caller's, or nil: the host's
---@param transport table? that carries the exchanges: it knows its own time
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
