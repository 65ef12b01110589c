--- Follows symbolic links: who replaces a file replaces the target of a link, not the link.

local M = {}

local MOST_LINKS = 10

--- Returns the file to which a symbolic link leads, which may not exist yet; the path itself if it is no link.
---@param path string
---@return string?
---@return string? problem
function M.target_of(path)
  for _ = 1, MOST_LINKS do
    local shell = io.popen(("readlink -- '%s' 2>/dev/null"):format((path:gsub("'", "'\\''"))))
    local target = shell and shell:read("*a"):gsub("\n$", "") or ""
    if shell then
      shell:close()
    end
    if target == "" then
      return path
    end
    path = target:sub(1, 1) == "/" and target or (path:match "^.*/" or "") .. target
  end
  return nil, "too many symbolic links"
end

return M
