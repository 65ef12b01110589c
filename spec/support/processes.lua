--- Runs Lua programs in child processes, and counts the open descriptors of this process.
local files = require "spec.support.files"
local lfs = require "lfs"

local M = {}

--- Returns the environment, as words of a shell, for a program that never closes its Lua states: LeakSanitizer would
--- report what they hold.
---@return string
function M.without_leak_checks()
  return ("ASAN_OPTIONS='%s:detect_leaks=0'"):format(os.getenv "ASAN_OPTIONS" or "")
end

--- Counts the open descriptors of this process.
---@return integer
function M.descriptors()
  local count = 0
  for _ in lfs.dir("/dev/fd") do count = count + 1 end
  return count
end

--- Returns the command of the running interpreter.
---@return string
function M.interpreter()
  local first = type(arg) == "table" and -1
  while first and arg[first - 1] do first = first - 1 end
  if first and arg[first] then return arg[first] end
  return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match("%d+%.%d+")
end

--- Quotes a text for a shell.
---@param text string
---@return string
function M.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Begins a program in a Lua of its own, with our search paths.
---@param program string
---@return fun(): { code: integer, output: string, errors: string } wait for its end
function M.begin_child(program)
  local directory, remove = files.directory()
  files.write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path,
    package.cpath) .. program)
  local shell = assert(io.popen(("%s %s/program.lua >%s/output 2>%s/errors; echo $?"):format(
    M.quoted(M.interpreter()), directory, directory, directory)))
  return function()
    local result = { code = tonumber(shell:read "*l") }
    shell:close()
    result.output, result.errors = files.read(directory .. "/output"), files.read(directory .. "/errors")
    remove()
    return result
  end
end

--- Runs a program like `begin_child`, and waits for its end.
---@param program string
---@return { code: integer, output: string, errors: string }
function M.child(program) return M.begin_child(program)() end

return M
