--- Tasks: functions that run concurrently in any host. Inside a task every call of this library reads as if it blocked,
--- but only that task waits.

local call_site = require "openhands.call_site"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local task_errors = require "openhands.task.errors"
local use = require "openhands.task.use"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

---@class openhands.Task
---@field private _client openhands.Client the one in whose loop it runs
---@field private _run function? the function to run, until it has ended
---@field private _origin string? where that function was handed to this library
---@field private _arguments table with their number `n`
---@field private _pending openhands.Pending done when the task has ended; `wait` waits for it
---@field private _started boolean?
---@field private _cancelled boolean?
---@field private _notified boolean? it has received the error of its cancellation: its next call raises
---@field private _waits_in openhands.Client? the client in whose loop it waits
---@field private _waits_for openhands.Pending? what it waits for
---@field _slot_timeout number? seconds for which its starts may wait for a slot of the account, see slots.lua
---@field private _thread thread? its coroutine
---@field private _results any[]? what its function returned, or nil and an error
---@field private _result_count integer?
---@field private _listeners function[]? to be called at its end
---@field private _finished boolean? its waiters were woken and its listeners called
local methods = {}
local Task = { __index = methods, __name = "openhands.Task" }

-- Tasks by their coroutines. Weak both ways: a task lives as long as its host runs it or the user holds it.
local by_thread = setmetatable({}, { __mode = "kv" })

--- Returns the running task.
---@return openhands.Task? nil outside tasks
function M.current()
  local thread = use.are_in_use and coroutine.running()
  return thread and by_thread[thread] or nil
end

--- Returns whether the running coroutine was created by a task, so that the task resumes it, not the host. For loops.
---@param parent_of (fun(thread: thread): thread)? if the host's pcall runs its function in a new coroutine: returns the
--- coroutine that called pcall
---@return boolean
function M.is_inside_nested_coroutine(parent_of)
  local running = coroutine.running()
  if not by_thread[running] then
    for thread in pairs(by_thread) do
      local has_resumed = coroutine.status(thread) == "normal"
      if has_resumed and not (parent_of and parent_of(thread) == parent_of(running)) then
        return true
      end
    end
  end
  return false
end

local function check(subject, name)
  errors.check_receiver(getmetatable(subject) == Task, name, "task")
end

-- ---- cancellation ------------------------------------------------------------------------------------------------

--- Returns whether a task was cancelled.
---@param task openhands.Task? by default the running one
---@return boolean
function M.is_cancelled(task)
  task = task or M.current()
  return task ~= nil and task._cancelled or false
end

--- Returns the error with which a call of a cancelled task ends. The task's next calls raise.
---@param operation string
---@return openhands.Error
function M.cancellation(operation)
  M.note_cancellation()
  return task_errors.cancelled(operation)
end

--- Notes that the running task has received the error of its cancellation.
function M.note_cancellation()
  local task = M.current()
  if task then
    task._notified = true
  end
end

--- Raises if the running task was cancelled and has already received the error: the task must end.
---@param operation string that it calls nevertheless
function M.check(operation)
  local task = M.current()
  if task and task._notified then
    error(task_errors.cancelled(operation), 0)
  end
end

--- Notes what a task waits for, so that `cancel` can interrupt the wait.
---@param task openhands.Task
---@param client openhands.Client?
---@param pending openhands.Pending? nil: the wait is over
function M.note_wait(task, client, pending)
  task._waits_in, task._waits_for = client, pending
end

-- ---- for loops: running ------------------------------------------------------------------------------------------

-- Stores the results. Called in the task's own coroutine where possible, because an error (e.g. of Ctrl-C) may end the
-- resumer before it has read them.
local function keep(task, ...)
  task._results, task._result_count = { ... }, select("#", ...)
end

-- Calls the listeners of a task's end. A failing listener must not end the host or the other listeners.
local function notify_listeners(task)
  local client, listeners = task._client, task._listeners or {}
  while listeners[1] do
    local good, problem = pcall(listeners[1])
    if not good and errors.is_interrupt(problem) then
      error(problem, 0)
    elseif not good and client._settings.log then
      client:_log("a listener of a task's end has failed: %s", task_errors.text_of(problem))
    end
    table.remove(listeners, 1)
  end
end

-- Publishes the end of a task whose results are kept. If an error interrupts this, it can be repeated.
local function finish(task)
  local client, pending = task._client, task._pending
  if task._thread then
    by_thread[task._thread] = nil
  end
  task._run, task._waits_in, task._waits_for = nil, nil, nil
  pending.done = true
  client:_wake(pending)
  notify_listeners(task)
  task._thread, task._listeners, task._finished = nil, nil, true
end

-- A task that is cancelled before its start does not run.
local function finish_unstarted(task)
  keep(task, nil, task_errors.cancelled "task")
  finish(task)
end

-- The function that the task's coroutine runs.
local function body(task)
  task._started = true
  call_site.note_origin(coroutine.running(), task._run, task._origin)
  keep(task, task._run(unpack(task._arguments, 1, task._arguments.n)))
end

--- Returns the coroutine of a task that has not ended. For loops.
---@return thread
function methods:thread()
  if not self._thread and not self._pending.done then
    self._thread = coroutine.create(body)
    by_thread[self._thread] = self
  end
  return self._thread --[[@as thread]]
end

--- Finishes the task if its function has ended and that was not handled yet: an error may have ended the code that
--- resumed it. For loops.
---@return boolean goes_on
function methods:reap()
  if not self._finished and (self._result_count or self._thread and coroutines.status(self._thread) == "dead") then
    if not self._result_count then
      keep(self, nil, task_errors.lost())
    end
    finish(self)
  end
  return not self._finished
end

-- Handles the results of `coroutine.resume`: passes on the values that the task yields, or finishes it.
local function after_resume(task, good, ...)
  local thread = task._thread
  if not good then
    local traceback = debug.traceback(thread, task_errors.text_of((...)))
    keep(task, nil, task_errors.raised(task._client, ..., traceback))
  elseif coroutines.status(thread) ~= "dead" then
    return true, ...
  end
  finish(task)
  return false
end

--- Resumes the task until it yields or ends. For loops.
---@param ... any the host's answer to what the task has yielded
---@return boolean goes_on
---@return any ... what the task yields to its host
function methods:resume(...)
  if not self:reap() then
    return false
  elseif self._started then
    return after_resume(self, coroutine.resume(self._thread --[[@as thread]], ...))
  elseif self._cancelled then
    finish_unstarted(self)
    return false
  end
  return after_resume(self, coroutine.resume(self:thread(), self))
end

local function carry_on(task, goes_on, ...)
  if goes_on then
    -- The host's coroutine runs this, which the checker cannot know.
    ---@diagnostic disable-next-line: await-in-sync
    return carry_on(task, task:resume(coroutine.yield(...)))
  end
end

--- Runs the task to its end from inside a coroutine of the host, and passes on what it yields. For loops.
function methods:carry()
  return carry_on(self, self:resume())
end

-- Adds the traceback to what was raised. An xpcall built on coroutines passes the traceback first, then the error.
local function with_traceback(problem, original)
  if original ~= nil then
    return { original, task_errors.text_of(problem) }
  end
  return { problem, debug.traceback(task_errors.text_of(problem), 2) }
end

local function after_run(task, good, ...)
  if good then
    keep(task, ...)
  else
    local problem = ...
    if type(problem) ~= "table" then -- the message handler itself has failed
      problem = { problem, task_errors.text_of(problem) }
    end
    keep(task, nil, task_errors.raised(task._client, problem[1], problem[2]))
  end
  finish(task)
end

--- Runs the task to its end in the calling coroutine, without one of its own. For loops whose host kills coroutines, or
--- knows only those that it has created.
---@param protected (fun(run: function, handler: function): boolean, any ...)? an xpcall across which its function can
--- yield, for a Lua whose own xpcall does not allow this
function methods:run_in_place(protected)
  if self._cancelled then
    return finish_unstarted(self)
  end
  self._started = true
  local function run()
    self._thread = coroutine.running()
    by_thread[self._thread] = self
    call_site.note_origin(self._thread, self._run --[[@as function]], self._origin)
    return self._run(unpack(self._arguments, 1, self._arguments.n))
  end
  return after_run(self, (protected or xpcall)(run, with_traceback))
end

-- ---- for users ---------------------------------------------------------------------------------------------------

--- Makes a task of a function. It does not start before the caller waits or returns to the host.
---@param client openhands.Client the one in whose loop it runs
---@param run function
---@param ... any its arguments
---@return openhands.Task
function M.spawn(client, run, ...)
  if type(run) ~= "function" then
    errors.raise(("spawn: needs a function, not a %s"):format(type(run)))
  elseif not client._loop.spawn then
    errors.raise(("spawn: the loop %q runs no tasks"):format(tostring(client._loop.name)))
  end
  use.are_in_use = true
  local parent = M.current()
  local task = setmetatable({
    _slot_timeout = parent and parent._slot_timeout,
    _client = client,
    _run = run,
    _origin = call_site.place_for(run),
    _arguments = { n = select("#", ...), ... },
    _pending = pendings.new(),
  }, Task)
  client._loop.spawn(client, task)
  return task
end

--- Waits for the end of the task and returns what its function returned; if the function raised, `nil, err`
--- with `err.traceback`. An error that is not one of this library gets the kind "raised" and is in `err.cause`.
---@param timeout number? seconds; then returns `nil, err` of kind "timeout", and the task goes on
---@return any ...
function methods:wait(timeout)
  check(self, "wait")
  if timeout ~= nil and (type(timeout) ~= "number" or timeout < 0 or timeout ~= timeout) then
    errors.raise "wait: 'timeout' must be a number of seconds, at least 0"
  elseif M.current() == self then
    errors.raise "wait: a task cannot wait for itself"
  end
  M.check "wait"
  local client, pending = self._client, self._pending
  local deadline = timeout and client:_now() + timeout
  if not pending.done then
    client:_check_place "wait"
  end
  while not pending.done do
    pending.news = nil
    client:_await(pending, deadline)
    if pending.done then
      break
    elseif M.is_cancelled() then
      return nil, M.cancellation "wait"
    elseif deadline and client:_now() >= deadline then
      return nil, task_errors.timed_out(timeout --[[@as number]])
    end
  end
  return unpack(self._results, 1, self._result_count --[[@as integer]])
end

--- Returns whether the task has ended.
---@return boolean
function methods:done()
  check(self, "done")
  return self._pending.done or false
end

--- Cancels the task. The call in which it waits ends at once with `nil, err` of kind "cancelled" (or "ambiguous", if a
--- request was being sent that must not be sent twice, e.g. a start or a message), and its request is aborted. Every
--- later call in the task, except `spawn` and `close`, raises an error of kind "cancelled". A call inside a coroutine
--- that the task has created is not interrupted, but the task's next call is. A task that has not started never starts.
--- What it started on the service goes on: `pause`, or on V0 `stop`, end that.
---@return boolean cancelled false: it had already ended
function methods:cancel()
  check(self, "cancel")
  if self._pending.done then
    return false
  end
  self._cancelled = true
  if self._waits_in then
    self._waits_in:_interrupt(self._waits_for --[[@as openhands.Pending]])
  end
  return true
end

--- Runs a function as a task of its own when this task has ended.
---@param listener fun(err: any, ...) called with the error (raised by the task's function, or returned after nil), or
--- with nil and what the function returned. An error that the listener raises is only logged.
function methods:on_done(listener)
  check(self, "on_done")
  if type(listener) ~= "function" then
    errors.raise(("on_done: needs a function, not a %s"):format(type(listener)))
  end
  local was_spawned = false
  local function spawn_listener()
    if was_spawned then -- an error has interrupted `notify_listeners`, which is repeated
      return
    end
    was_spawned = true
    local results = self._results
    if results[1] == nil and results[2] ~= nil then
      M.spawn(self._client, listener, results[2])
    else
      M.spawn(self._client, listener, nil, unpack(results, 1, self._result_count --[[@as integer]]))
    end
  end
  if self._pending.done then
    return spawn_listener()
  end
  self:_when_done(spawn_listener)
end

-- For this library's modules: calls a function that does not wait, when the task ends.
function methods:_when_done(listener)
  self._listeners = self._listeners or {}
  table.insert(self._listeners, listener)
end

function Task:__tostring()
  local is_ended = self._pending.done
  local results = self._results
  if is_ended and not self._cancelled and results and results[1] == nil and results[2] ~= nil then
    local redact_line = self._client:_redactor().redact_line
    return ("openhands.Task (failed: %s)"):format(redact_line(task_errors.text_of(results[2])))
  end
  local state = is_ended and "ended" or self._cancelled and "cancelled" or self._started and "running" or "new"
  return ("openhands.Task (%s)"):format(state)
end

return M
