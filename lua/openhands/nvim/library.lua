--- Loads the library. A plugin manager leaves the C module in the plugin's own directory, where Lua does not look for
--- it.

local M = {}

local loaded

-- The directory of the plugin, if this file is in one: managers of rocks put the modules of all rocks below a directory
-- `lua`, too.
local function root()
  local source = debug.getinfo(1, "S").source
  local directory = source:match "^@(.*)[/\\]lua[/\\]openhands[/\\]nvim[/\\]library%.lua$"
  return directory and (vim.uv or vim.loop).fs_stat(directory .. "/plugin/openhands.lua") and directory or nil
end

--- Returns the name of the Lua for which the module has to be built, as in `make LUA=…`.
---@return string
function M.lua()
  return rawget(_G, "jit") and "luajit" or "lua5.1"
end

--- Returns the directory of the plugin; nil if it was installed as a rock.
---@return string?
function M.root()
  return root()
end

--- Returns where `make` leaves the C module; nil if this is no checkout.
---@return string?
function M.built()
  local directory = root()
  return directory and ("%s/build/%s/openhands/core.so"):format(directory, M.lua())
end

-- Forgets what was loaded before it failed: otherwise another try would report something else.
local function forget()
  for name in pairs(package.loaded) do
    if name:find "^openhands" and not name:find "^openhands%.nvim" and name ~= "openhands.health" then
      package.loaded[name] = nil
    end
  end
end

--- Lets Lua find the module that was built in the plugin's directory. Called when the module is required.
---@return string? missing without one, words for the error, as a loader of Lua returns them
function M.search()
  local built = M.built()
  if not built then
    return nil
  elseif not (vim.uv or vim.loop).fs_stat(built) then
    return ("\n\tno file '%s' (see :checkhealth openhands)"):format(built)
  end
  local pattern = built:gsub("openhands/core%.so$", "?.so")
  if not package.cpath:find(pattern, 1, true) then
    package.cpath = pattern .. ";" .. package.cpath
  end
end

--- Returns the library, loaded when this is first called.
---@return openhands? library
---@return string? problem why it cannot be loaded
function M.load()
  if loaded then
    return loaded
  end
  M.search() -- also where the plugin's file was not read
  local good, result = pcall(require, "openhands")
  if not good and tostring(result):find("loop or previous error", 1, true) then -- it was required too early
    forget()
    good, result = pcall(require, "openhands")
  end
  if not good then
    forget()
    return nil, tostring(result)
  end
  loaded = require "openhands"
  return loaded
end

return M
