--- Waiting in libuv's loop: in Neovim, and in programs on luv. A client's descriptor is watched only while it has
--- something in flight, so that a client at rest keeps neither itself nor the program going.

local core = require "openhands.core"
local errors = require "openhands.errors"
local schedulers = require "openhands.scheduler"

local vim = rawget(_G, "vim")
local neovim = type(vim) == "table" and vim.wait and vim.schedule and vim or nil -- not in a thread of Neovim's
local uv = type(vim) == "table" and (vim.uv or vim.loop) or require "luv"

local TIME_SLICE = 0.005 -- seconds for which tasks may have the loop to themselves
local GIVE_WAY = 1 -- millisecond: a timer of 0 that a timer sets would come before everything else
local TICK = 20 -- milliseconds between looks at a descriptor that cannot be watched
local SLICE = 0.1 -- seconds that a wait sleeps at most, so that Ctrl-C is seen

local M = { name = "uv", now = core.monotonic, wall = os.time }

local scheduler = schedulers.new(M.now)
local clients = setmetatable({}, { __mode = "k" })
local unwatchable = setmetatable({}, { __mode = "k" }) -- clients whose descriptor could not be watched
local watchers = {} -- by client: a handle that moves its exchanges on, while there are any
local alarm -- the one timer of the tasks
local hosts = 0 -- waits outside of tasks that run the loop themselves, and the tasks
local is_running = false -- the loop, by one of them: an old luv does not tell by itself
local is_turn_scheduled = false

local function milliseconds(seconds)
  return math.ceil(math.max(seconds, 0) * 1000)
end

-- ---- watchers ------------------------------------------------------------------------------------------------------

local function has_exchanges(client)
  return not client._closed and client._core:in_flight() > 0
end

local function unwatch(client)
  local watcher = watchers[client]
  watchers[client] = nil
  if watcher and not watcher:is_closing() then
    watcher:stop()
    watcher:close()
  end
end

local function has_idle_watcher()
  for client in pairs(watchers) do
    if not has_exchanges(client) then
      return true
    end
  end
  return false
end

local function unwatch_idle()
  for client in pairs(watchers) do
    if not has_exchanges(client) then
      unwatch(client)
    end
  end
end

-- ---- the tasks' turns ----------------------------------------------------------------------------------------------

local give_turns

local function set_alarm(delay)
  if not alarm or alarm:is_closing() then -- by a program that closes all handles there are
    alarm = uv.new_timer()
  end
  alarm:start(delay, 0, give_turns)
end

-- The alarm goes off when the next task is ready, or a watcher can go: for what was cancelled, nothing else comes. It
-- keeps a program going that has tasks, and no other.
local function set_alarm_for_tasks(least)
  local moment = has_idle_watcher() and -math.huge or scheduler:next_moment()
  if moment then
    set_alarm(math.max(milliseconds(moment - M.now()), least or 0))
  elseif alarm and not alarm:is_closing() then
    alarm:stop()
  end
end

-- Whether somebody is still ready when the time slice is over.
local function run_tasks()
  local ends_at = M.now() + TIME_SLICE
  local more, left = true, TIME_SLICE
  while more and left > 0 do
    more = scheduler:turn(left)
    left = ends_at - M.now()
  end
  return more
end

local function turn()
  is_turn_scheduled = false
  set_alarm_for_tasks(run_tasks() and GIVE_WAY)
end

-- In a callback of the loop. In Neovim that is a fast event, where the tasks' own code may do little.
function give_turns()
  unwatch_idle()
  local moment = scheduler:next_moment()
  if hosts > 0 then
    return
  elseif not moment or moment > M.now() then
    set_alarm_for_tasks()
  elseif not neovim then
    turn()
  elseif not is_turn_scheduled then
    is_turn_scheduled = true
    vim.schedule(turn)
    uv.stop() -- older Neovims else sleep in the loop before they see what a timer has scheduled
  end
end

-- ---- watching ------------------------------------------------------------------------------------------------------

-- The log is the user's code: not in a fast event.
local function say(client, problem)
  local function tell()
    if client._settings.log and not client._closed then
      client:_log("the descriptor cannot be watched (%s): looking every %d ms instead", problem, TICK)
    end
  end
  if neovim then
    return vim.schedule(tell)
  end
  tell()
end

local watch

local function move_on(client, problem)
  if problem and not unwatchable[client] then
    unwatchable[client] = true
    say(client, tostring(problem))
    unwatch(client)
  end
  if not client._closed then
    client:_pump(0)
    watch(client)
  end
  give_turns()
end

local function new_poll(client)
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
    move_on(client, trouble)
  end)
  if not started then
    poll:close()
    return nil, problem
  end
  return poll
end

-- Makes the client watched, if it has something in flight.
function watch(client)
  local watcher, problem = watchers[client], nil
  if not has_exchanges(client) or watcher and not watcher:is_closing() then
    return
  elseif not unwatchable[client] then
    watcher, problem = new_poll(client)
  end
  if problem then
    unwatchable[client] = true
    say(client, tostring(problem))
  end
  if unwatchable[client] then
    watcher = uv.new_timer()
    watcher:start(TICK, TICK, function()
      move_on(client)
    end)
  end
  watchers[client] = watcher
end

-- ---- waiting -------------------------------------------------------------------------------------------------------

local function wait_in_neovim(is_over, deadline)
  while not is_over() do
    local left = math.min(deadline and deadline - M.now() or math.huge, 1)
    if left <= 0 then
      return
    end
    local _, problem = vim.wait(milliseconds(left), is_over, TICK)
    if problem == -2 then
      error("interrupted", 0)
    end
  end
end

local function run(mode)
  is_running = true
  uv.run(mode)
  is_running = false
end

local function is_in_callback()
  return is_running or uv.loop_mode and uv.loop_mode() ~= nil
end

-- Runs the loop and the tasks by turns: outside of the loop's callbacks, so that a task may do the same.
local function run_loop(is_over, deadline)
  while not is_over() do
    if deadline and deadline <= M.now() then
      return
    elseif run_tasks() then
      run "nowait"
    elseif not is_over() then
      set_alarm_for_tasks()
      if not deadline and not uv.loop_alive() then
        errors.raise "wait: nothing is under way that could end this wait: the tasks wait for one another"
      end
      local moment = math.min(deadline or math.huge, scheduler:next_moment() or math.huge)
      set_alarm(milliseconds(math.min(moment - M.now(), SLICE)))
      run "once"
    end
  end
end

local function wait_in_luv(is_over, deadline)
  local outer = hosts
  hosts = hosts + 1
  local good, problem = pcall(run_loop, is_over, deadline) -- Ctrl-C raises an error anywhere
  hosts, is_running = outer, false
  set_alarm_for_tasks()
  if not good then
    error(problem, 0)
  end
end

--- Returns when there is news for whoever waits for the box, when somebody wakes them, or when the time is over.
---@param client openhands.Client
---@param box table its `done` or `news` turns true
---@param deadline number? by the clock of the loop
function M.await(client, box, deadline)
  watch(client)
  if scheduler:may_park() then
    return scheduler:park(box, deadline)
  end
  local wakes = box.wakes
  local wait = neovim and wait_in_neovim or wait_in_luv
  wait(function()
    return box.done or box.news or box.wakes ~= wakes
  end, deadline)
end

--- Whoever waits for the box looks at it again.
---@param box table
function M.wake(_, box)
  box.wakes = (box.wakes or 0) + 1
  scheduler:wake(box)
  set_alarm_for_tasks()
end

--- Runs a task from the next turn of the loop on.
---@param task openhands.Task
function M.spawn(_, task)
  scheduler:spawn(task)
  set_alarm_for_tasks()
end

--- Why nobody may wait here and now, if that is so.
---@return string?
function M.refusal()
  if scheduler:may_park() then
    return nil
  elseif neovim then
    return vim.in_fast_event()
        and "nothing can wait in a fast event: call it inside of client:spawn(function() ... end), or of vim.schedule"
      or nil
  elseif is_in_callback() then
    return "nothing can wait in a callback of the loop: call it directly inside of client:spawn(function() ... end)"
  end
end

-- ---- clients -------------------------------------------------------------------------------------------------------

-- Neovim's end: it would wait for handles that are still open, and run what nobody needs any more.
local function close_all()
  local list = {}
  for client in pairs(clients) do
    list[#list + 1] = client
  end
  for _, client in ipairs(list) do
    client:close()
  end
  if alarm and not alarm:is_closing() then
    alarm:close()
  end
end

local function expect_end()
  vim.api.nvim_create_autocmd("VimLeavePre", { desc = "openhands: closes its clients", callback = close_all })
end

local is_end_expected = false

--- A client is there.
---@param client openhands.Client
function M.attach(client)
  clients[client] = true
  if neovim and not is_end_expected then
    is_end_expected = true
    if vim.in_fast_event() then
      vim.schedule(expect_end)
    else
      expect_end()
    end
  end
end

--- A client is about to close: a watcher that outlived its descriptor would end the whole program.
---@param client openhands.Client
function M.detach(client)
  local was_watched = watchers[client] ~= nil
  clients[client] = nil
  unwatch(client)
  -- luv crashes where a program ends with handles that the loop has not closed yet.
  if was_watched and not neovim and not is_in_callback() then
    hosts = hosts + 1
    run "nowait"
    hosts = hosts - 1
    set_alarm_for_tasks()
  end
end

return M
