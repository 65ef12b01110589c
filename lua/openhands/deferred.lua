--- Loads modules when they are first used, so that a program does not pay for calls that it never makes.

local M = {}

-- Forgets the modules of this library whose loading has not ended, since an error ends it for each of them: Lua 5.1 and
-- LuaJIT mark them with a userdata or a number, and would refuse to load them again.
local function forget_unfinished()
  for name, loaded in pairs(package.loaded) do
    if type(loaded) ~= "table" and loaded ~= true and (name .. "."):find("openhands.", 1, true) == 1 then
      package.loaded[name] = nil
    end
  end
end

--- Loads a module. After an error (e.g. of Ctrl-C) it can be loaded again.
---@param name string
---@return any module
function M.load(name)
  local good, module = pcall(require, name)
  if not good then
    forget_unfinished()
    error(module, 0)
  end
  return module
end

--- Returns a stand-in for a module: reading a field of it loads the module.
---@param name string
---@return any
function M.module(name)
  return setmetatable({}, {
    __index = function(standin, field)
      for key, value in pairs(M.load(name)) do
        rawset(standin, key, value)
      end
      setmetatable(standin, nil)
      return rawget(standin, field)
    end,
  })
end

--- Defines functions of a table that load a module, which then defines the real functions in the same table.
---@param owner table
---@param names table<string, any> the names of the functions are its keys
---@param module string
function M.define(owner, names, module)
  for name in pairs(names) do
    owner[name] = owner[name] or function(...)
      M.load(module)
      local defined = owner[name] --[[@as function]]
      return defined(...)
    end
  end
end

return M
