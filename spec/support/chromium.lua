--- Shows pages in Chromium, without a window and without a network. Where it is not installed, `is_there` says so on
--- stderr; nothing requires it.
local files = require "spec.support.files"

local M = {}

local LIMIT = 60 -- seconds

--- Returns whether Chromium is installed.
---@return boolean
function M.is_there()
  local pipe = assert(io.popen "command -v chromium")
  local path = pipe:read "*l"
  pipe:close()
  if not path then
    io.stderr:write "\nSKIPPED: no page is shown in a browser: Chromium is not installed (apt-get install chromium)\n"
  end
  return path ~= nil
end

--- Loads a page from a file, and returns its document as it is after its scripts have run.
---@param page string
---@return string
function M.document_of(page)
  local directory, remove = files.directory()
  files.write(directory .. "/page.html", page)
  -- Its sandbox needs privileges that a container may lack; the page is ours. Sanitizers of the interpreter are not for
  -- it.
  local pipe = assert(io.popen(("env -u LD_PRELOAD HOME='%s' timeout %d chromium --headless --no-sandbox "
    .. "--disable-gpu --disable-dev-shm-usage --user-data-dir='%s/profile' --proxy-server=127.0.0.1:9 "
    .. "--dump-dom 'file://%s/page.html' 2>/dev/null"):format(directory, LIMIT, directory, directory)))
  local document = pipe:read "*a"
  pipe:close()
  remove()
  return document
end

return M
