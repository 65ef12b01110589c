--- Whether the running coroutine can give way here, or a function called from C is in the way.

local M = {}

-- Lua 5.2 and LuaJIT give way inside of these; Lua 5.1 does not.
local transparent = {}
if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
  transparent[pcall], transparent[xpcall] = true, true
end

local function is_inside_of_c()
  local level = 2
  local frame = debug.getinfo(level, "Sf")
  while frame do
    if frame.what == "C" and not transparent[frame.func] then
      return true
    end
    level = level + 1
    frame = debug.getinfo(level, "Sf")
  end
  return false
end

--- Lua before 5.3, and nginx, do not tell. (Lua 5.1 cannot give way inside of metamethods and of a `for`'s iterator
--- either, which nobody can find out.)
---@return boolean
function M.is_possible()
  if coroutine.isyieldable then
    return coroutine.isyieldable()
  end
  local thread, is_main = coroutine.running()
  return thread ~= nil and not is_main and not is_inside_of_c()
end

return M
