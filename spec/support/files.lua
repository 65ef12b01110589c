--- The files of one spec: creates a directory for them, reads and writes whole files.

local M = {}

--- Makes a directory for the files of one spec.
---@param parent string? where the system puts temporary files, if not given or missing
---@return string path, fun() remove
function M.directory(parent)
  local command = parent and ("mktemp -d -p '%s' 2>/dev/null || mktemp -d"):format(parent) or "mktemp -d"
  local shell = assert(io.popen(command))
  local path = assert(shell:read "*l")
  shell:close()
  return path, function() os.execute(("rm -rf '%s'"):format(path)) end
end

--- Writes a file.
---@param path string
---@param text string
function M.write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Returns the whole of a file.
---@param path string
---@return string
function M.read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

return M
