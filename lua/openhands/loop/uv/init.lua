--- Waiting in libuv's loop: in Neovim, and in programs on luv.

local core = require "openhands.core"
local library = require "openhands.loop.uv.binding"
local turns = require "openhands.loop.uv.task_runner"
local waits = require "openhands.loop.uv.blocking_wait"
local watchers = require "openhands.loop.uv.fd_watch"

local neovim, scheduler = library.neovim, turns.scheduler

local M = { name = "uv", now = core.monotonic, wall = os.time }

--- Returns when the record is `done` or has `news`, when its waiters are woken, or at the deadline.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  watchers.watch(client, turns.give)
  if scheduler:can_park() then
    return scheduler:park(pending, deadline)
  end
  local wakes = pending.wakes
  waits.wait(function()
    return pending.done or pending.news or pending.wakes ~= wakes
  end, deadline)
end

--- Wakes all that wait for the record.
---@param pending openhands.Pending
function M.wake(_, pending)
  pending.wakes = (pending.wakes or 0) + 1
  scheduler:wake(pending)
  turns.set_alarm_for_tasks()
end

--- Runs a task from the next turn of the loop on.
---@param task openhands.Task
function M.spawn(_, task)
  scheduler:spawn(task)
  turns.set_alarm_for_tasks()
end

--- Why nobody may wait here and now, if that is so.
---@return string?
function M.refusal()
  if scheduler:can_park() then
    return nil
  elseif neovim and neovim.in_fast_event() then
    return "nothing can wait in a fast event: call it inside of client:spawn(function() ... end), or of vim.schedule"
  elseif not neovim and waits.is_in_callback() then
    return "nothing can wait in a callback of the loop: call it directly inside of client:spawn(function() ... end)"
  end
  return scheduler:refusal()
end

-- ---- clients -------------------------------------------------------------------------------------------------------

-- What has to be closed at Neovim's end: the clients, and the timers of each copy of this module. It is kept where all
-- copies find it, since a plugin that is reloaded loads this module again.
local KEPT = "openhands.loop.uv"
local registry = neovim and debug.getregistry() or {}
local kept = registry[KEPT] or { clients = setmetatable({}, { __mode = "k" }), closers = {} }
registry[KEPT] = kept
kept.closers[#kept.closers + 1] = turns.close

-- Neovim's end: it would wait for handles that are still open, and run what nobody needs any more.
local function close_all()
  local list = {}
  for client in pairs(kept.clients) do
    list[#list + 1] = client
  end
  for _, client in ipairs(list) do
    client:close()
  end
  for _, close in ipairs(kept.closers) do
    close()
  end
end

local function expect_end()
  neovim.api.nvim_create_autocmd("VimLeavePre", { desc = "openhands: closes its clients", callback = close_all })
end

--- A client is there.
---@param client openhands.Client
function M.attach(client)
  kept.clients[client] = true
  if neovim and not kept.is_end_expected then
    kept.is_end_expected = true
    if neovim.in_fast_event() then
      neovim.schedule(expect_end)
    else
      expect_end()
    end
  end
end

--- A client is about to close.
---@param client openhands.Client
function M.detach(client)
  kept.clients[client] = nil
  if watchers.unwatch(client) then
    waits.flush()
  end
end

return M
