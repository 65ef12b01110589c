--- Creates the errors with which tasks end.

local errors = require "openhands.errors"

local M = {}

--- Returns a text for a raised value. Its `__tostring` may raise, or return no string.
---@param problem any
---@return string
function M.text_of(problem)
  local good, text = pcall(tostring, problem)
  if good and type(text) == "string" then
    return text
  end
  return type(problem)
end

--- Returns the error for a value that a task's function raised, or returned after nil. An error of this library is
--- returned unchanged.
---@param client openhands.Client
---@param problem any
---@return openhands.Error
function M.of(client, problem)
  return errors.is(problem) and problem or errors.new {
    kind = "raised",
    operation = "task",
    cause = problem,
    message = client:_clean("task: " .. M.text_of(problem)),
  }
end

--- Returns the error for a raised value, as `of` does, with the traceback; logs the traceback.
---@param client openhands.Client
---@param problem any
---@param traceback string
---@return openhands.Error
function M.raised(client, problem, traceback)
  local err = M.of(client, problem)
  err.traceback = client:_clean(traceback)
  if client._settings.log then
    client:_log_text("a task has failed: " .. traceback)
  end
  return err
end

--- Returns the error of a call in a cancelled task.
---@param operation string the call
---@return openhands.Error
function M.cancelled(operation)
  return errors.new {
    kind = "cancelled",
    operation = operation,
    effect = "none", -- requests sent before have their own errors
    message = operation .. ": the task was cancelled; what it started on the service goes on",
  }
end

--- Returns the error of a wait for a task that has not ended in time.
---@param timeout number seconds of waiting
---@return openhands.Error
function M.timed_out(timeout)
  return errors.new {
    kind = "timeout",
    operation = "wait",
    retryable = true,
    message = ("wait: the task has not ended in %g s; it goes on"):format(timeout),
  }
end

local function interrupted(what)
  return errors.new { kind = "raised", operation = "task", message = ("task: %s (e.g. of Ctrl-C)"):format(what) }
end

--- Returns the error of a task whose own error is lost: another error ended the code that resumed it.
---@return openhands.Error
function M.lost()
  return interrupted "its error was lost, because another error came at the same moment"
end

--- Returns the error of a function in a group that was not started because of an error from outside.
---@return openhands.Error
function M.never_started()
  return interrupted "was not started, because an error came just before"
end

return M
