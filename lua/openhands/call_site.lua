--- Finds the line of the caller's code, for messages about its mistakes.

local M = {}

-- The directory of this library's files. A stack frame of any other file belongs to the caller.
local here = debug and debug.getinfo and debug.getinfo(1, "S").source:match("^(.*)call_site%.lua$")

local function is_ours(frame)
  return frame.what == "C" or frame.what == "tail" or frame.source:sub(1, #here) == here
end

-- Returns the stack level of the caller's code, counted from the function that calls this one; nil if there is none.
local function callers_level()
  local level = 3
  local frame = debug.getinfo(level, "S")
  while frame and is_ours(frame) do
    level = level + 1
    frame = debug.getinfo(level, "S")
  end
  return frame and level - 1
end

-- The function of each task, to name its line in messages: if it ends with a tail call, for example
-- `return client:start{...}`, it is not on the stack during that call.
local origins = setmetatable({}, { __mode = "k" })

--- Records the function that a coroutine runs, to locate mistakes made while the caller's code is not on the stack.
---@param thread thread
---@param run function
---@param place string? line at which the function was given to this library
function M.note_origin(thread, run, place)
  origins[thread] = { run = run, place = place }
end

--- Returns the line at which the caller gave a function to a task, if the function is one of this library or of C: the
--- line of its definition would not help. Returns nil for a Lua function of the caller's own.
---@param run function
---@return string? place
function M.place_for(run)
  local level = here and is_ours(debug.getinfo(run, "S")) and callers_level()
  local frame = level and debug.getinfo(level, "Sl")
  return frame and frame.currentline > 0 and ("%s:%d"):format(frame.short_src, frame.currentline) or nil
end

-- Returns the place of the running task's function, as a prefix of a message.
local function place_in_task()
  local thread = coroutine.running()
  local origin = thread and origins[thread]
  if not origin then
    return ""
  elseif origin.place then
    return origin.place .. ": "
  end
  local made = debug.getinfo(origin.run, "S")
  local is_known = made.linedefined > 0 and not is_ours(made)
  return is_known and ("%s:%d: "):format(made.short_src, made.linedefined) or ""
end

--- Raises a message about the caller's mistake, at the line of the caller's code.
---@param message string begins with the name of the call, before which this puts "openhands."
function M.raise(message)
  message = "openhands." .. message
  if not here then
    error(message, 2)
  end
  local level = callers_level()
  if not level then -- called from C alone, or by a tail call
    error(place_in_task() .. message, 0)
  end
  error(message, level)
end

return M
