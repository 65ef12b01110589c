--- Inspects coroutines: which one is running, whether it can yield, and whether the owner of a lock or request is gone.

local M = {}

--- The coroutine that holds a lock or a request.
---@class openhands.Owner
---@field coroutine any as `running` returns it; nil: it was collected

--- Stands for the main coroutine, for which Lua 5.1 has no object.
M.MAIN = {}

-- lua-nginx-module replaces coroutine.status and keeps Lua's under another name. The replacement knows only
-- coroutines of the same request, and in some builds it reads memory of requests that have ended.
local status = rawget(coroutine, "_status") or coroutine.status

-- Lua 5.2 and later and LuaJIT can yield across these; Lua 5.1 cannot.
local yieldable = {}
if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
  yieldable[pcall], yieldable[xpcall] = true, true
end

local function is_inside_c_function()
  local level = 2
  local frame = debug.getinfo(level, "Sf")
  while frame do
    if frame.what == "C" and not yieldable[frame.func] then
      return true
    end
    level = level + 1
    frame = debug.getinfo(level, "Sf")
  end
  return false
end

--- Returns whether the running coroutine can yield here: it is not the main one, and no C function is on its stack.
--- Searches the stack where there is no `coroutine.isyieldable`: PUC Lua 5.1 and 5.2 lack it, and nginx omits it from
--- its own `coroutine` table. LuaJIT 2.1 has it. (PUC Lua 5.1 cannot yield inside metamethods and iterators of `for`
--- either; this cannot be detected.)
---@return boolean
function M.can_yield()
  if coroutine.isyieldable then
    return coroutine.isyieldable()
  end
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main and not is_inside_c_function()
end

--- Returns a value for the running coroutine that can be compared and kept.
---@return any
function M.running()
  return coroutine.running() or M.MAIN
end

--- Returns the status of any coroutine, including one that the host has created.
---@param thread thread
---@return string
function M.status(thread)
  return status(thread)
end

--- Returns a record of the running coroutine for `is_abandoned`. It does not keep the coroutine alive.
---@return openhands.Owner
function M.owner()
  return setmetatable({ coroutine = M.running() }, { __mode = "v" })
end

--- Returns whether the owner of a lock or request will never release it: it is dead, killed by its host, or collected.
--- Also true if the owner is the running coroutine: then an error has ended the code that held the lock or request.
--- That code could not catch the error and release what it held, because Lua 5.1 cannot yield inside pcall.
---@param owner openhands.Owner
---@param loop openhands.Loop the loop in which the owner waits
---@return boolean
function M.is_abandoned(owner, loop)
  local thread, is_killed = owner.coroutine, loop.is_killed
  if type(thread) == "thread" and (status(thread) == "dead" or is_killed and is_killed(thread)) then
    return true
  end
  return thread == nil or thread == M.running()
end

return M
