--- Finds out that the person has pressed Ctrl-C. The interpreter raises an error then, at whatever line runs: in the
--- command itself, or, where hooks reach every coroutine (LuaJIT), in a task.

local M = {}

local LONGEST_END = 10 -- seconds that what was interrupted may take to end

local is_in_tasks = rawget(_G, "jit") ~= nil

--- Returns whether an error is that of Ctrl-C.
---@param problem any
---@return boolean
function M.is(problem)
  if type(problem) == "table" then
    return problem.kind == "raised" and M.is(problem.cause)
  end
  return type(problem) == "string" and (problem:find "interrupted!$" or problem:find "Keyboard interrupt$") ~= nil
end

--- Raises an error again that is that of Ctrl-C.
---@param problem any
function M.raise(problem)
  if M.is(problem) then
    error(type(problem) == "table" and problem.cause or problem, 0)
  end
end

--- Calls a function that waits, in a task, while other tasks run. Ctrl-C in any of them ends all.
---@param client openhands.Client
---@param wait fun(): any, any
---@param others (fun())[] they end when they see that `has_ended` is true
---@param state { has_ended: boolean? }
---@return any value
---@return any err
function M.beside(client, wait, others, state)
  local value, err, problem
  local waiting = client:spawn(function()
    value, err = wait()
  end)
  local tasks = {}
  for place, run in ipairs(others) do
    tasks[place] = client:spawn(function()
      if not is_in_tasks then -- and Lua 5.1 could not wait within pcall
        return run()
      end
      local good, why = pcall(run)
      if not good and M.is(why) then
        problem = why
        waiting:cancel()
      end
    end)
  end
  local good, why, failure = pcall(waiting.wait, waiting)
  state.has_ended = true
  if not good then
    waiting:cancel()
    pcall(waiting.wait, waiting, LONGEST_END) -- it gives up what it holds; another Ctrl-C ends that, too
    error(why, 0)
  end
  for _, task in ipairs(tasks) do
    task:cancel()
  end
  M.raise(problem)
  M.raise(err)
  if failure and failure.kind == "raised" then -- a mistake in what the user gave, or Ctrl-C
    error(failure.cause, 0)
  end
  return value, err or failure
end

return M
