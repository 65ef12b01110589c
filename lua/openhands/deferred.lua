--- Loads modules when they are first used, so that a program does not pay for calls that it never makes.

local M = {}

--- Loads a module. Forgets one whose loading has failed (e.g. by Ctrl-C): Lua 5.1 would refuse to load it again.
---@param name string
---@return any module
function M.load(name)
  local good, module = pcall(require, name)
  if not good then
    package.loaded[name] = nil
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
