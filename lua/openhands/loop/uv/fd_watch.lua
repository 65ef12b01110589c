--- The descriptors that libuv watches: of each client that has something in flight, so that a client at rest keeps
--- neither itself nor the program going. A watcher is closed before its descriptor, always: libuv ends the program
--- otherwise.

local library = require "openhands.loop.uv.binding"

local neovim, uv = library.neovim, library.uv

local TICK = 20 -- milliseconds between looks at a descriptor that cannot be watched

local M = {}

local watchers = {} -- by client: a handle that moves its exchanges on, while there are any
local unwatchable = setmetatable({}, { __mode = "k" }) -- clients whose descriptor could not be watched

--- Watches a client no more.
---@param client openhands.Client
---@return boolean was_watched
function M.unwatch(client)
  local watcher = watchers[client]
  watchers[client] = nil
  if watcher and not watcher:is_closing() then
    watcher:stop()
    watcher:close()
  end
  return watcher ~= nil
end

--- Whether some are watched that have nothing in flight.
---@return boolean
function M.has_idle()
  for client in pairs(watchers) do
    if not client:_is_busy() then
      return true
    end
  end
  return false
end

--- Watches those no more that have nothing in flight.
function M.unwatch_idle()
  for client in pairs(watchers) do
    if not client:_is_busy() then
      M.unwatch(client)
    end
  end
end

-- The log is the user's code: not in a fast event.
local function say(client, problem)
  local function tell()
    if client._settings.log and not client._closed then
      client:_log("the descriptor cannot be watched (%s): looking every %d ms instead", problem, TICK)
    end
  end
  if neovim then
    return neovim.schedule(tell)
  end
  tell()
end

local function give_up(client, problem)
  if not unwatchable[client] then
    unwatchable[client] = true
    say(client, tostring(problem))
  end
end

local function move_on(client, moved, problem)
  if problem then
    give_up(client, problem)
    M.unwatch(client)
  end
  local good, trouble = true, nil
  if not client._closed then
    good, trouble = client:_try_pump(0)
    M.watch(client, moved)
  end
  moved()
  if not good then
    error(trouble, 0)
  end
end

local function new_poll(client, moved)
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
    move_on(client, moved, trouble)
  end)
  if not started then
    poll:close()
    return nil, problem
  end
  return poll
end

local function new_ticker(client, moved)
  local ticker = uv.new_timer()
  ticker:start(TICK, TICK, function()
    move_on(client, moved)
  end)
  return ticker
end

--- Watches a client, if it has something in flight.
---@param client openhands.Client
---@param moved fun() called in the loop's callback, which in Neovim is a fast event, when its exchanges have moved on
function M.watch(client, moved)
  local watcher, problem = watchers[client], nil
  if not client:_is_busy() or watcher and not watcher:is_closing() then
    return
  elseif not unwatchable[client] then
    watcher, problem = new_poll(client, moved)
  end
  if problem then
    give_up(client, problem)
  end
  watchers[client] = unwatchable[client] and new_ticker(client, moved) or watcher
end

return M
