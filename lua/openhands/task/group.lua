--- Doing several things at once: what users call for it. These are methods of the client.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local spelling = require "openhands.spelling"
local tasks = require "openhands.task"

local function check(self, name, may_be_cancelled)
  if type(self) ~= "table" or not self._check_usable then
    errors.raise(("%s: is a method: call client:%s(...) with a colon"):format(name, name))
  end
  self:_check_usable(name, may_be_cancelled)
end

--- Runs a function beside whatever else runs, as a task. It begins when whoever calls this waits next. A task that was
--- cancelled may do this too: what is to be done then, another task does.
---@param run function inside of it every call reads as if it blocked, and blocks nobody else
---@param ... any its arguments
---@return openhands.Task
function Client:spawn(run, ...)
  check(self, "spawn", true)
  return tasks.spawn(self, run, ...)
end

--- Waits so many seconds, and lets everybody else go on.
---@param seconds number
---@return true? slept
---@return openhands.Error? err of kind "cancelled" or "closed"
function Client:sleep(seconds)
  check(self, "sleep")
  if type(seconds) ~= "number" or seconds < 0 or seconds ~= seconds then
    errors.raise "sleep: needs a number of seconds, at least 0"
  end
  self:_check_place "sleep"
  self:_sleep(seconds)
  if tasks.is_cancelled() then
    return nil, tasks.cancellation "sleep"
  elseif self._closed then
    return nil, errors.new { kind = "closed", operation = "sleep", message = "sleep: the client was closed" }
  end
  return true
end

-- ---- all ---------------------------------------------------------------------------------------------------------

-- A copy: the caller's own may change while they run.
local function checked_list(list)
  local copy = {}
  if type(list) ~= "table" then
    errors.raise(("all: needs a list of functions, not a %s"):format(type(list)))
  end
  for place, run in ipairs(list) do
    if type(run) ~= "function" then
      errors.raise(("all: number %d is no function, but a %s"):format(place, type(run)))
    end
  end
  for place in pairs(list) do
    if type(place) ~= "number" or place > #list or place < 1 or place % 1 ~= 0 then
      errors.raise(("all: the list of functions has a hole, or the key '%s'"):format(tostring(place)))
    end
    copy[place] = list[place]
  end
  return copy
end

local function concurrency_of(options, count)
  for name in pairs(options or {}) do
    if name ~= "concurrency" then
      errors.raise(("all: unknown option '%s'%s"):format(tostring(name), spelling.hint(name, { concurrency = true })))
    end
  end
  local concurrency = options and options.concurrency or math.max(count, 1)
  if type(concurrency) ~= "number" or concurrency < 1 or concurrency % 1 ~= 0 then
    errors.raise "all: 'concurrency' must be a whole number, at least 1"
  end
  return concurrency
end

local function take_result(group, place, value, err)
  group.results[place] = value
  group.errors[place] = value == nil and err ~= nil and tasks.error_of(group.client, err) or nil
end

-- The group is being changed. If an error has ended the last change in the middle, they are counted anew.
local function begin_change(group)
  if group.is_changing then
    group.running = 0
    for _ in pairs(group.tasks) do
      group.running = group.running + 1
    end
  end
  group.is_changing = true
end

local function never_begun()
  return errors.new {
    kind = "raised",
    operation = "task",
    message = "task: has not begun, since an error came just then (Ctrl-C's, say)",
  }
end

-- Starts as many as may run, and again whenever one has ended. An error may end this in the middle: then it is done
-- again, and no function is run twice.
local function fill(group)
  while group.running < group.concurrency and group.begun < #group.list and not group.given_up do
    local place = group.begun + 1
    group.errors[place] = never_begun()
    group.begun = place
    local task = tasks.spawn(group.client, group.list[place])
    group.tasks[place], group.errors[place], group.running = task, nil, group.running + 1
    task:_when_done(function()
      begin_change(group)
      if group.tasks[place] then
        take_result(group, place, task:wait()) -- it has ended
        group.tasks[place], group.running = nil, group.running - 1
      end
      fill(group)
      group.is_changing = nil
      if group.running == 0 then
        group.pending.done = true
        group.client:_wake(group.pending)
      end
    end)
  end
end

-- The place of the first that has failed, and how many have.
local function failures_of(group)
  local first, count = math.huge, 0
  for place in pairs(group.errors) do
    first, count = math.min(first, place), count + 1
  end
  return first, count
end

local function joined_error(group)
  local place, failed = failures_of(group)
  local first = group.errors[place]
  return errors.new {
    kind = first.kind,
    operation = "all",
    message = ("all: %d of %d have failed: %s"):format(failed, #group.list, tostring(first)),
    errors = group.errors,
    results = group.results,
  }
end

-- The one who waits for them was called away: those that have not begun never do.
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

-- Outside of coroutines an error that comes from elsewhere, such as Ctrl-C's, ends what it interrupts.
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

--- Runs functions beside each other, and waits until all have ended. One that raises, or returns `nil, err`, has
--- failed; the others go on.
---@param list function[]
---@param options openhands.AllOptions? `concurrency` (integer: how many run at the same time; all)
---@return table? results what each returned first, by its place in the list
---@return openhands.Error? err if some have failed: of the kind of the first of them, with `errors` and `results` by
--- their places
function Client:all(list, options)
  check(self, "all")
  list = checked_list(list)
  local group = {
    client = self,
    list = list,
    concurrency = concurrency_of(options, #list),
    tasks = {},
    results = {},
    errors = {},
    pending = pendings.new(),
    begun = 0,
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
