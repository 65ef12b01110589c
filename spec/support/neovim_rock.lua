--- The plugin as rocks.nvim installs it from a rock: the directories that the rockspec copies are a package, and the
--- modules are where Lua looks for them, and below a directory of 'runtimepath'.
local files = require "spec.support.files"
local lfs = require "lfs"

local M = {}

-- Returns what a rockspec says.
local function read_rockspec(path)
  local values = {}
  setfenv(assert(loadfile(path)), values)() -- these specs run with LuaJIT
  return values
end

--- Makes these directories.
---@param module string? file of the C module; nil: it is missing
---@return string configuration Lua, for a user's Neovim
---@return fun() remove
function M.install(module)
  local here = lfs.currentdir()
  local directory, remove = files.directory()
  for _, path in ipairs { "site/pack/luarocks/opt/openhands", "share/lua", "lib/lua/5.1/openhands", "rocks_rtp" } do
    os.execute(("mkdir -p '%s/%s'"):format(directory, path))
  end
  local function link(target, name) assert(lfs.link(target, directory .. "/" .. name, true)) end
  for _, name in ipairs(read_rockspec "openhands-scm-1.rockspec".build.copy_directories) do
    os.execute(("cp -R '%s' '%s/site/pack/luarocks/opt/openhands/'"):format(name, directory))
  end
  link(here .. "/lua", "share/lua/5.1")
  link(directory .. "/share/lua/5.1", "rocks_rtp/lua")
  if module then link(module, "lib/lua/5.1/openhands/core.so") end
  return ([[
    local directory = %q
    local modules = directory .. "/share/lua/5.1/?"
    package.path = package.path .. ";" .. modules .. ".lua;" .. modules .. "/init.lua"
    package.cpath = package.cpath .. ";" .. directory .. "/lib/lua/5.1/?.so"
    vim.opt.packpath:append(directory .. "/site")
    vim.opt.runtimepath:append(directory .. "/rocks_rtp")
    vim.cmd "packadd openhands"
  ]]):format(directory), remove
end

return M
