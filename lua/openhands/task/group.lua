--- Methods of the client for concurrency: spawns a task, sleeps, runs a group of functions together.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local slots = require "openhands.task.slots"
local spelling = require "openhands.spelling"
local task_errors = require "openhands.task.errors"
local tasks = require "openhands.task"

--- Runs a function as a task, concurrently with everything else. It does not start before the caller waits or returns
--- to the host. A cancelled task may call this too, e.g. to clean up.
---@param run function inside it every call reads as if it blocked, but only this task waits
---@param ... any its arguments
---@return openhands.Task
function Client:spawn(run, ...)
  Client._check_usable(self, "spawn", true)
  return tasks.spawn(self, run, ...)
end

--- Waits for a number of seconds. Other tasks and the host continue meanwhile.
---@param seconds number
---@return true? slept
---@return openhands.Error? err of kind "cancelled" or "closed"
function Client:sleep(seconds)
  Client._check_usable(self, "sleep")
  if type(seconds) ~= "number" or seconds < 0 or seconds ~= seconds then
    errors.raise "sleep: needs a number of seconds, at least 0"
  end
  self:_check_place "sleep"
  self:_sleep(seconds)
  if tasks.is_cancelled() then
    return nil, tasks.cancellation "sleep"
  elseif self._closed then
    return nil, errors.closed "sleep"
  end
  return true
end

-- ---- all ---------------------------------------------------------------------------------------------------------

local SLOT_TIMEOUT = 12 * 60 * 60 -- seconds that a start may wait for a slot, as long as `wait` waits by default

-- Returns a copy, because the caller may change the list while the functions run.
local function checked_list(list)
  local copy = {}
  if type(list) ~= "table" then
    errors.raise(("all: needs a list of functions, not a %s"):format(type(list)))
  end
  for index, run in ipairs(list) do
    if type(run) ~= "function" then
      errors.raise(("all: item %d of the list must be a function, not a %s"):format(index, type(run)))
    end
  end
  for index in pairs(list) do
    if type(index) ~= "number" or index > #list or index < 1 or index % 1 ~= 0 then
      errors.raise(("all: the list of functions has a hole, or the key '%s'"):format(tostring(index)))
    end
    copy[index] = list[index]
  end
  return copy
end

local known_options = { concurrency = true, slot_timeout = true }

-- Returns how many functions may run at the same time, and how long a start may wait for a slot.
local function limits_of(options, count)
  for name in pairs(options or {}) do
    if not known_options[name] then
      errors.raise(("all: unknown option '%s'%s"):format(tostring(name), spelling.hint(name, known_options)))
    end
  end
  local concurrency = options and options.concurrency or math.max(count, 1)
  if type(concurrency) ~= "number" or concurrency < 1 or concurrency % 1 ~= 0 then
    errors.raise "all: 'concurrency' must be a whole number, at least 1"
  end
  local slot_timeout = options and options.slot_timeout or SLOT_TIMEOUT
  if type(slot_timeout) ~= "number" or slot_timeout < 0 or slot_timeout ~= slot_timeout then
    errors.raise "all: 'slot_timeout' must be a number of seconds, at least 0"
  end
  return concurrency, slot_timeout
end

local function take_result(group, index, value, err)
  group.results[index] = value
  group.errors[index] = value == nil and err ~= nil and task_errors.of(group.client, err) or nil
end

-- Marks the start of a change. If an error interrupted the last change, the running tasks are counted again.
local function begin_change(group)
  if group.is_changing then
    group.running = 0
    for _ in pairs(group.tasks) do
      group.running = group.running + 1
    end
  end
  group.is_changing = true
end

-- Starts functions until `concurrency` of them run; called again whenever one has ended. It can be repeated after an
-- error has interrupted it: no function is run twice.
local function fill(group)
  while group.running < group.concurrency and group.started < #group.list and not group.given_up do
    local index = group.started + 1
    group.errors[index] = task_errors.never_started()
    group.started = index
    local task = tasks.spawn(group.client, group.list[index])
    slots.allow(task, group.slot_timeout)
    group.tasks[index], group.errors[index], group.running = task, nil, group.running + 1
    task:_when_done(function()
      begin_change(group)
      if group.tasks[index] then
        take_result(group, index, task:wait()) -- it has ended
        group.tasks[index], group.running = nil, group.running - 1
      end
      slots.note_end(group.client)
      fill(group)
      group.is_changing = nil
      if group.running == 0 then
        group.pending.done = true
        group.client:_wake(group.pending)
      end
    end)
  end
end

-- Returns the index of the first function that failed, and the number of functions that failed.
local function failures_of(group)
  local first, count = math.huge, 0
  for index in pairs(group.errors) do
    first, count = math.min(first, index), count + 1
  end
  return first, count
end

local function joined_error(group)
  local index, failed = failures_of(group)
  local first = group.errors[index]
  return errors.new {
    kind = first.kind,
    operation = "all",
    message = ("all: %d of %d have failed: %s"):format(failed, #group.list, tostring(first)),
    errors = group.errors,
    results = group.results,
  }
end

-- Cancels the tasks that run; the other functions never start.
local function give_up(group)
  group.given_up = true
  local running = {}
  for _, task in pairs(group.tasks) do
    running[#running + 1] = task
  end
  for _, task in ipairs(running) do
    task:cancel()
  end
end

-- Waits for the group. In the main coroutine an error from outside (e.g. of Ctrl-C) may end the wait: then the
-- group is given up.
local function await(self, group)
  local thread, is_main = coroutine.running()
  if thread and not is_main then
    return self:_await(group.pending)
  end
  local good, problem = pcall(self._await, self, group.pending)
  if not good then
    give_up(group)
    error(problem, 0)
  end
end

--- Runs functions concurrently and waits until all have ended. A function that raises, or returns `nil, err`, has
--- failed; the others continue. Where the service refuses a start because too many conversations are running, the
--- start waits until there is a slot for it.
---@param list function[]
---@param options openhands.AllOptions? `concurrency` (integer: how many run at the same time; default: all),
--- `slot_timeout` (seconds for which a start waits for a slot; default: 12 hours; 0: it fails with kind "limit")
---@return table? results the first result of each, by its index in the list
---@return openhands.Error? err if some failed: of the kind of the first of them, with `errors` and `results` by index
function Client:all(list, options)
  Client._check_usable(self, "all")
  list = checked_list(list)
  local concurrency, slot_timeout = limits_of(options, #list)
  local group = {
    client = self,
    list = list,
    concurrency = concurrency,
    slot_timeout = slot_timeout,
    tasks = {},
    results = {},
    errors = {},
    pending = pendings.new(),
    started = 0,
    running = 0,
  }
  group.pending.done = #list == 0
  self:_check_place "all"
  fill(group)
  while not group.pending.done do
    group.pending.news = nil
    await(self, group)
    if tasks.is_cancelled() then
      give_up(group)
      return nil, tasks.cancellation "all"
    end
  end
  if next(group.errors) ~= nil then
    return nil, joined_error(group)
  end
  return group.results
end
