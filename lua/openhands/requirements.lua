--- Checks that this Lua has the functions that the library needs, and raises an error that names a missing one. Loads
--- the core, and raises an error with advice if the core was built for another Lua.

local needed = {
  os = { "date", "getenv", "time" },
  debug = { "getinfo", "traceback" },
}

for library, functions in pairs(needed) do
  local found = rawget(_G, library)
  for _, name in ipairs(functions) do
    if type(found) ~= "table" or type(found[name]) ~= "function" then
      error(("openhands needs %s.%s, which is absent here (perhaps a sandbox): load the standard library '%s'")
        :format(library, name, library), 0)
    end
  end
end

local is_jit = rawget(_G, "jit") ~= nil
local this_lua = is_jit and "LuaJIT" or _VERSION

local good, problem = pcall(require, "openhands.core")
if not good then
  problem = tostring(problem)
  -- For a module built for another Lua, the system's loader names a function that this Lua lacks.
  if problem:find("undefined symbol", 1, true) or problem:find("symbol not found", 1, true)
    or problem:find("version mismatch", 1, true) then
    error(("openhands.core was built for another Lua than this one, which is %s: build it again with "
      .. "`make LUA=%s`, or run it with the Lua it was built for\n%s"):format(
      this_lua, is_jit and "luajit" or "lua" .. _VERSION:match "[0-9.]+", problem), 0)
  end
  error(problem, 0)
end

return true
