--- Runs the programs of examples/cookbook in processes of their own, as a user does.
local files = require "spec.support.files"
local lfs = require "lfs"
local processes = require "spec.support.processes"

local M = {}

M.folder = "examples/cookbook/"

--- Returns the names of all programs, without extension.
---@return string[]
function M.names()
  local list = {}
  for file in lfs.dir(M.folder) do
    list[#list + 1] = file:match "^(.*)%.lua$"
  end
  table.sort(list)
  return list
end

--- Returns the text of a program, without the comment at its head.
---@param path string
---@return string
function M.code(path)
  local text = files.read(path)
  while text:find "^%-%-" do
    text = text:gsub("^[^\n]*\n", "", 1)
  end
  return text
end

--- Starts a program in a directory of its own, which also has the ledger of its fleets.
---@param name string
---@param words string its arguments, as words of a shell
---@param address string of the service
---@param more { directory: string?, filter: string? }? a directory to use instead; a command for its output
---@return file* pipe of its process id in the first line, its output, and `exit CODE`
---@return string directory
---@return fun() remove
function M.begin(name, words, address, more)
  more = more or {}
  local directory, remove = more.directory, function() end
  if not directory then
    directory, remove = files.directory()
  end
  local command = ("root=$PWD; cd '%s' && { %s XDG_STATE_HOME=$PWD OPENHANDS_API_KEY=any OPENHANDS_BASE_URL=%s "
    .. "sh -c 'echo $$; exec \"$@\"' sh '%s' \"$root/%s%s.lua\" %s 2>&1; echo exit $?; } 2>/dev/null%s"):format(
    directory, processes.without_leak_checks(), address, processes.interpreter(), M.folder, name, words,
    more.filter and " | " .. more.filter or "")
  return assert(io.popen(command)), directory, remove
end

return M
