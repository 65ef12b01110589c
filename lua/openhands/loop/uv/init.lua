--- Waits in libuv's loop: in Neovim, and in programs on luv.

local binding = require "openhands.loop.uv.binding"
local blocking_wait = require "openhands.loop.uv.blocking_wait"
local core = require "openhands.core"
local fd_watch = require "openhands.loop.uv.fd_watch"
local task_runner = require "openhands.loop.uv.task_runner"

local neovim, scheduler = binding.neovim, task_runner.scheduler

local M = { name = "uv", now = core.monotonic, wall = os.time }

--- Waits until the record is `done` or has `news`, until its waiters are woken, or until the deadline.
---@param client openhands.Client
---@param pending openhands.Pending
---@param deadline number? by `now`
function M.await(client, pending, deadline)
  fd_watch.start(client, task_runner.on_event)
  local entry = scheduler:parkable()
  if entry then
    return scheduler:park(entry, pending, deadline)
  end
  local wakes = pending.wakes
  blocking_wait.wait(function()
    return pending.done or pending.news and true or pending.wakes ~= wakes
  end, deadline)
end

--- Wakes all coroutines that wait for the record.
---@param pending openhands.Pending
function M.wake(_, pending)
  pending.wakes = (pending.wakes or 0) + 1
  scheduler:wake(pending)
  task_runner.schedule_next()
end

--- Starts a task soon, in the loop.
---@param task openhands.Task
function M.spawn(_, task)
  scheduler:spawn(task)
  task_runner.schedule_next()
end

--- Returns why waiting is impossible here and now.
---@return string?
function M.refusal()
  if scheduler:parkable() then
    return nil
  elseif neovim and neovim.in_fast_event() then
    return "waiting is not possible in a fast event: call it inside client:spawn(function() ... end) or vim.schedule"
  elseif not neovim and blocking_wait.is_in_callback() then
    return "waiting is not possible in a callback of the loop: call it inside client:spawn(function() ... end)"
  end
  return scheduler:refusal()
end

-- ---- clients -------------------------------------------------------------------------------------------------------

-- The objects to close when Neovim exits: the clients, and the timer of each copy of this module. They are kept in
-- Lua's registry, where all copies find them, because a plugin that is reloaded loads this module again.
local REGISTRY_KEY = "openhands.loop.uv"
local registry = neovim and debug.getregistry() or {}
local kept = registry[REGISTRY_KEY] or { clients = setmetatable({}, { __mode = "k" }), closers = {} }
registry[REGISTRY_KEY] = kept
kept.closers[#kept.closers + 1] = task_runner.close

-- Closes them all. Otherwise Neovim would wait at its exit for open handles, and run callbacks that are not needed any
-- more.
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

local function close_all_at_exit()
  neovim.api.nvim_create_autocmd("VimLeavePre", { desc = "openhands: closes its clients", callback = close_all })
end

--- Adds a client, which is closed when Neovim exits.
---@param client openhands.Client
function M.attach(client)
  kept.clients[client] = true
  if neovim and not kept.is_exit_expected then
    kept.is_exit_expected = true
    if neovim.in_fast_event() then
      neovim.schedule(close_all_at_exit)
    else
      close_all_at_exit()
    end
  end
end

--- Stops watching a client that is about to close.
---@param client openhands.Client
function M.detach(client)
  kept.clients[client] = nil
  if fd_watch.stop(client) then
    blocking_wait.flush()
  end
end

return M
