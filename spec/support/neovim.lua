--- Runs programs in a headless Neovim without the user's configuration.
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local M = {}

local patience = 120 -- seconds until a program that does not end is ended

-- Precedes every program. Programs write with `say`, since Neovim's `print` writes to stderr.
local before = [[
package.path, package.cpath = %q, %q
local uv = vim.uv or vim.loop

-- Writes a line to the standard output.
local function say(...)
  local words = {}
  for place = 1, select("#", ...) do words[place] = tostring((select(place, ...))) end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

-- Returns when a condition holds; the editor runs meanwhile.
local function eventually(is_so)
  assert(vim.wait(60000, is_so, 1), "it never came")
end

-- Starts a server that takes connections and never answers. Returns its address, a count of connections, and its close.
local function silent_server()
  local listener, sockets = uv.new_tcp(), {}
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(64, function()
    local socket = uv.new_tcp()
    listener:accept(socket)
    sockets[#sockets + 1] = socket
    socket:read_start(function() end)
  end))
  return "http://127.0.0.1:" .. listener:getsockname().port, function() return #sockets end, function()
    listener:close()
    for _, socket in ipairs(sockets) do socket:close() end
  end
end

local function program()
  local _ = { uv, say, eventually, silent_server }
%s
end

local good, problem = xpcall(program, debug.traceback)
if not good then
  io.stderr:write(tostring(problem), "\n")
  vim.cmd "cquit 99"
end
]]

local function limit()
  local found = os.execute "command -v timeout >/dev/null"
  return (found == true or found == 0) and ("timeout -k 2 %d "):format(patience) or ""
end

--- Runs a program until it ends Neovim (e.g. by `qa!`). An error that it raises ends Neovim with code 99.
---@param program string Lua; it has `say`, `eventually`, `silent_server` and `uv`
---@param environment? string assignments for a shell
---@return { code: integer, output: string, errors: string } result 124: it did not end
function M.run(program, environment)
  local directory, remove = files.directory()
  files.write(directory .. "/program.lua", before:format(package.path, package.cpath, program))
  local assignments = processes.without_leak_checks() .. " " .. (environment or "")
  local shell = assert(io.popen(("%s %snvim --headless -u NONE -i NONE -n -c 'luafile %s/program.lua' </dev/null "
    .. ">%s/output 2>%s/errors; echo $?"):format(assignments, limit(), directory, directory, directory)))
  local result = { code = tonumber(shell:read "*l") }
  shell:close()
  result.output, result.errors = files.read(directory .. "/output"), files.read(directory .. "/errors")
  remove()
  return result
end

--- Runs a program and returns its output; fails unless it ended with the expected code and Neovim reported nothing.
---@param program string as for `run`
---@param code? integer 0
---@param environment? string
---@return string output
function M.said(program, code, environment)
  local result = M.run(program, environment)
  if result.errors ~= "" or result.code ~= (code or 0) then
    error(("Neovim ended with %d, and wrote: %s\n%s"):format(result.code, result.errors, result.output), 2)
  end
  return result.output
end

return M
