--- Tasks: functions that run beside each other, in whatever host. Inside of one, every call of this library reads as if
--- it blocked, and blocks nobody else.

local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"

local unpack = table.unpack or unpack -- luacheck: ignore 143

--- `are_in_use`: whether a task was ever made in this Lua. As long as it is false, there is nothing else to ask here.
local M = { are_in_use = false }

---@class openhands.Task
---@field private _client openhands.Client the one in whose loop it runs
---@field private _run function? what it runs, until it has ended
---@field private _place string? where that was handed to this library
---@field private _arguments table with their number `n`
---@field private _pending openhands.Pending its end
---@field private _begun boolean?
---@field private _cancelled boolean?
---@field private _told boolean? it has been told that it is cancelled
---@field private _waits_on openhands.Client? where it waits
---@field private _waits_for openhands.Pending? what it waits for there
---@field private _thread thread? its coroutine
---@field private _results any[]? what its function has returned, or nil and an error
---@field private _count integer? how many those are
---@field private _listeners function[]? what is called at its end
---@field private _ended boolean? everybody has been told of its end
local methods = {}
local Task = { __index = methods, __name = "openhands.Task" }

-- Which task a coroutine runs. Weak both ways: a task lives as long as its host runs it, or somebody holds it.
local by_thread = setmetatable({}, { __mode = "kv" })

--- The task that runs.
---@return openhands.Task? nil outside of tasks
function M.current()
  local thread = M.are_in_use and coroutine.running()
  return thread and by_thread[thread] or nil
end

--- Whether a coroutine runs that a task has made itself: whoever resumes it is not the host. For hosts.
---@param begun_by (fun(thread: thread): thread)? the coroutine for which a host's pcall has made another
---@return boolean
function M.is_inside_of_one(begun_by)
  local running = coroutine.running()
  if not by_thread[running] then
    for thread in pairs(by_thread) do
      local has_resumed = coroutine.status(thread) == "normal"
      if has_resumed and not (begun_by and begun_by(thread) == begun_by(running)) then
        return true
      end
    end
  end
  return false
end

local function check(subject, name)
  if getmetatable(subject) ~= Task then
    errors.raise(("%s: is a method: call task:%s(...) with a colon"):format(name, name))
  end
end

-- ---- cancelling --------------------------------------------------------------------------------------------------

--- Whether the running task was cancelled.
---@return boolean
function M.is_cancelled()
  local task = M.current()
  return task ~= nil and task._cancelled or false
end

local function cancelled(operation)
  return errors.new {
    kind = "cancelled",
    operation = operation,
    effect = "none", -- what was sent before has an error of its own
    message = operation .. ": the task was cancelled; what it has started on the service goes on",
  }
end

--- The error with which a call of a cancelled task ends. From then on the task's further calls raise.
---@param operation string
---@return openhands.Error
function M.cancellation(operation)
  M.note_cancellation()
  return cancelled(operation)
end

--- Notes that the running task has been told that it is cancelled.
function M.note_cancellation()
  local task = M.current()
  if task then
    task._told = true
  end
end

--- Raises if the running task was cancelled and has been told so: it is to come to its end.
---@param operation string that it calls all the same
function M.check(operation)
  local task = M.current()
  if task and task._told then
    error(cancelled(operation), 0)
  end
end

--- Notes what the running task waits for, so that it can be called away.
---@param client openhands.Client?
---@param pending openhands.Pending? nil: it goes on
function M.note_wait(client, pending)
  local task = M.current()
  if task then
    task._waits_on, task._waits_for = client, pending
  end
end

-- ---- running -----------------------------------------------------------------------------------------------------

-- What was raised may raise something itself when it is asked for its text.
local function text_of(problem)
  local good, text = pcall(tostring, problem)
  return good and type(text) == "string" and text or type(problem)
end

--- What a task's function has raised, or returned after nil, as an error: its own, if it was one.
---@param client openhands.Client
---@param problem any
---@return openhands.Error
function M.error_of(client, problem)
  return errors.is(problem) and problem or errors.new {
    kind = "raised",
    operation = "task",
    cause = problem,
    message = client:_clean("task: " .. text_of(problem)),
  }
end

local function raised(task, problem, traceback)
  local client = task._client
  local err = M.error_of(client, problem)
  err.traceback = client:_clean(traceback)
  if client._settings.log then
    client:_log_text("a task has failed: " .. traceback)
  end
  return err
end

-- Keeps what has come of a task: at once, in its own coroutine where that can be, since whoever has resumed it may be
-- ended by an error (Ctrl-C's, say) before they look.
local function keep(task, ...)
  task._results, task._count = { ... }, select("#", ...)
end

-- Tells everybody of the end of a task whose results are kept. What an error has ended in the middle can be done again.
local function finish(task)
  local client, pending = task._client, task._pending
  if task._thread then
    by_thread[task._thread] = nil
  end
  task._run, task._waits_on, task._waits_for = nil, nil, nil
  pending.done = true
  client:_wake(pending)
  local listeners = task._listeners or {}
  while listeners[1] do
    local good, problem = pcall(listeners[1]) -- nothing may stop at somebody else's trouble, the host least of all
    if not good and errors.is_interrupt(problem) then
      error(problem, 0)
    elseif not good and client._settings.log then
      client:_log("what was to follow a task's end cannot: %s", text_of(problem))
    end
    table.remove(listeners, 1)
  end
  task._thread, task._listeners, task._ended = nil, nil, true
end

-- What has come of a turn of the task's: what it gives to its host, or its end.
local function took_turn(task, good, ...)
  local thread = task._thread
  if not good then
    keep(task, nil, raised(task, ..., debug.traceback(thread, text_of((...)))))
  elseif coroutines.status(thread) ~= "dead" then
    return true, ...
  end
  finish(task)
  return false
end

-- What its coroutine runs.
local function whole_of(task)
  task._begun = true
  errors.note_origin(coroutine.running(), task._run, task._place)
  keep(task, task._run(unpack(task._arguments, 1, task._arguments.n)))
end

local function lost()
  return errors.new {
    kind = "raised",
    operation = "task",
    message = "task: has ended with an error that is lost, since another one came just then (Ctrl-C's, say)",
  }
end

--- Whether the task goes on. Sees to its end, if an error in whoever resumed it last has kept them from that. For
--- hosts.
---@return boolean
function methods:settle()
  if not self._ended and (self._count or self._thread and coroutines.status(self._thread) == "dead") then
    if not self._count then
      keep(self, nil, lost())
    end
    finish(self)
  end
  return not self._ended
end

--- Gives the task a turn. For hosts.
---@param ... any what the host answers to what the task gave to it
---@return boolean goes_on
---@return any ... what the task gives to its host
function methods:resume(...)
  if not self:settle() then
    return false
  elseif self._begun then
    return took_turn(self, coroutine.resume(self._thread --[[@as thread]], ...))
  elseif self._cancelled then -- before it has begun
    keep(self, nil, cancelled "task")
    finish(self)
    return false
  end
  return took_turn(self, coroutine.resume(self:thread(), self))
end

local function carry_on(task, goes_on, ...)
  if goes_on then
    -- The host's coroutine runs this, which the checker cannot know.
    ---@diagnostic disable-next-line: await-in-sync
    return carry_on(task, task:resume(coroutine.yield(...)))
  end
end

--- Runs the whole task, in a coroutine of the host's: what it gives to its host passes through. For hosts.
function methods:carry()
  return carry_on(self, self:resume())
end

-- An xpcall made of coroutines gives the traceback first and then what was raised.
local function with_traceback(problem, original)
  if original ~= nil then
    return { original, text_of(problem) }
  end
  return { problem, debug.traceback(text_of(problem), 2) }
end

local function ended(task, good, ...)
  if good then
    keep(task, ...)
  else
    local problem = ...
    if type(problem) ~= "table" then -- the handler itself has failed
      problem = { problem, text_of(problem) }
    end
    keep(task, nil, raised(task, problem[1], problem[2]))
  end
  finish(task)
end

--- Runs the whole task as the coroutine that calls this, without one of its own. For hosts that end coroutines from
--- outside or know only those that they began themselves.
---@param protected (fun(run: function, handler: function): boolean, any ...)? an xpcall that lets its function wait,
--- where Lua's own does not
function methods:run(protected)
  if self._cancelled then -- before it has begun
    keep(self, nil, cancelled "task")
    return finish(self)
  end
  self._begun = true
  local function run()
    self._thread = coroutine.running()
    by_thread[self._thread] = self
    errors.note_origin(self._thread, self._run --[[@as function]], self._place)
    return self._run(unpack(self._arguments, 1, self._arguments.n))
  end
  return ended(self, (protected or xpcall)(run, with_traceback))
end

--- The coroutine of a task that has not ended. For hosts.
---@return thread
function methods:thread()
  if not self._thread and not self._pending.done then
    self._thread = coroutine.create(whole_of)
    by_thread[self._thread] = self
  end
  return self._thread --[[@as thread]]
end

--- Makes a task of a function: it runs beside whatever else runs, beginning when whoever calls this waits next.
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
  M.are_in_use = true
  local task = setmetatable({
    _client = client,
    _run = run,
    _place = errors.place_for(run),
    _arguments = { n = select("#", ...), ... },
    _pending = pendings.new(),
  }, Task)
  client._loop.spawn(client, task)
  return task
end

-- ---- what users call ---------------------------------------------------------------------------------------------

--- Waits until the task has ended, and gives what its function returned; `nil, err` if it raised something, with
--- `err.traceback`. What is no error of this library's has the kind "raised", and stands in `err.cause`.
---@param timeout number? seconds; then `nil, err` of kind "timeout", and the task goes on
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
      return nil, errors.new {
        kind = "timeout",
        operation = "wait",
        retryable = true,
        message = ("wait: the task has not ended in %g s; it goes on"):format(timeout),
      }
    end
  end
  return unpack(self._results, 1, self._count --[[@as integer]])
end

--- Whether the task has ended.
---@return boolean
function methods:done()
  check(self, "done")
  return self._pending.done or false
end

--- Cancels the task. The call that it waits in ends at once, with `nil, err` of kind "cancelled" (or "ambiguous", if a
--- start or a message was on its way), and what was in flight for it is ended; every further call in it raises that
--- error. (A call in a coroutine that the task has made itself is not ended, but the task's next one.) One that has not
--- begun never does. What was started on the service goes on: that is what `pause`, and on V0
--- `stop`, are for.
---@return boolean cancelled false: it had ended before
function methods:cancel()
  check(self, "cancel")
  if self._pending.done then
    return false
  end
  self._cancelled = true
  if self._waits_on then
    self._waits_on:_interrupt(self._waits_for --[[@as openhands.Pending]])
  end
  return true
end

--- Runs a function when the task has ended, as a task of its own.
---@param listener fun(err: any, ...) what went wrong (what the task's function returned after nil, too), or nil and
--- what the function returned; what it raises itself is told to the log alone
function methods:on_done(listener)
  check(self, "on_done")
  if type(listener) ~= "function" then
    errors.raise(("on_done: needs a function, not a %s"):format(type(listener)))
  end
  local told = false
  local function tell()
    if told then -- an error has ended this in the middle
      return
    end
    told = true
    local results = self._results
    if results[1] == nil and results[2] ~= nil then
      M.spawn(self._client, listener, results[2])
    else
      M.spawn(self._client, listener, nil, unpack(results, 1, self._count --[[@as integer]]))
    end
  end
  if self._pending.done then
    return tell()
  end
  self:_when_done(tell)
end

-- For this library's own rooms: calls a function that does not wait, when the task ends.
function methods:_when_done(listener)
  self._listeners = self._listeners or {}
  table.insert(self._listeners, listener)
end

function Task:__tostring()
  local state = self._pending.done and "ended" or self._cancelled and "cancelled" or self._begun and "running" or "new"
  return ("openhands.Task (%s)"):format(state)
end

return M
