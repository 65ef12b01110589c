--- Watches the descriptors of clients in libuv's loop, each only while the client has exchanges in flight: an idle
--- client keeps neither itself nor the program alive. A watcher must be closed before its descriptor, otherwise libuv
--- aborts the program.

local binding = require "openhands.loop.uv.binding"

local neovim, uv = binding.neovim, binding.uv

local POLL_INTERVAL = 20 -- milliseconds between two steps where the descriptor cannot be watched

local M = {}

local watchers = {} -- by client: the handle that steps its exchanges
local unwatchable = setmetatable({}, { __mode = "k" }) -- clients whose descriptor cannot be watched

--- Stops watching a client.
---@param client openhands.Client
---@return boolean was_watched
function M.stop(client)
  local watcher = watchers[client]
  watchers[client] = nil
  if watcher and not watcher:is_closing() then
    watcher:stop()
    watcher:close()
  end
  return watcher ~= nil
end

--- Returns whether any watched client has nothing in flight.
---@return boolean
function M.has_idle()
  for client in pairs(watchers) do
    if not client:_is_busy() then
      return true
    end
  end
  return false
end

--- Stops watching the clients that have nothing in flight.
function M.stop_idle()
  for client in pairs(watchers) do
    if not client:_is_busy() then
      M.stop(client)
    end
  end
end

-- The log function is the user's code, which must not run in a fast event of Neovim.
local function log(client, problem)
  local function write()
    if client._settings.log and not client._closed then
      client:_log("the descriptor cannot be watched (%s): polling every %d ms instead", problem, POLL_INTERVAL)
    end
  end
  if neovim then
    return neovim.schedule(write)
  end
  write()
end

local function note_unwatchable(client, problem)
  if not unwatchable[client] then
    unwatchable[client] = true
    log(client, tostring(problem))
  end
end

-- Runs in a callback of the loop.
local function step(client, on_step, problem)
  if problem then
    note_unwatchable(client, problem)
    M.stop(client)
  end
  local good, trouble = true, nil
  if not client._closed then
    good, trouble = client:_try_pump(0)
    M.start(client, on_step)
  end
  on_step()
  if not good then
    error(trouble, 0)
  end
end

local function new_poll(client, on_step)
  local descriptor = client._core:pollfd()
  if not descriptor then
    return nil, "there is none"
  end
  local poll, problem = uv.new_poll(descriptor)
  if not poll then
    return nil, problem
  end
  local started
  started, problem = poll:start("r", function(trouble)
    step(client, on_step, trouble)
  end)
  if not started then
    poll:close()
    return nil, problem
  end
  return poll
end

local function new_timer(client, on_step)
  local timer = uv.new_timer()
  timer:start(POLL_INTERVAL, POLL_INTERVAL, function()
    step(client, on_step)
  end)
  return timer
end

--- Watches a client, if it has something in flight.
---@param client openhands.Client
---@param on_step fun() called after each step of its exchanges, in a callback of the loop (in Neovim, a fast event)
function M.start(client, on_step)
  local watcher, problem = watchers[client], nil
  if not client:_is_busy() or watcher and not watcher:is_closing() then
    return
  elseif not unwatchable[client] then
    watcher, problem = new_poll(client, on_step)
  end
  if problem then
    note_unwatchable(client, problem)
  end
  watchers[client] = unwatchable[client] and new_timer(client, on_step) or watcher
end

return M
