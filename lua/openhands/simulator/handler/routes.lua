--- Operations by method and path: `{ method, path = "/api/keys/{id}", answer }`.
local M = {}

--- Undoes percent-encoding.
---@param text string
---@return string
function M.unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16) --[[@as integer]]) end))
end

--- Prepares a list of operations for `find`. Where two paths fit, the first one counts.
---@param list table[] changed in place
---@return table[] list
function M.compile(list)
  for _, route in ipairs(list) do
    local pattern = route.path:gsub("[%-%.]", "%%%0"):gsub("{[A-Za-z0-9_]+}", "([^/]+)")
    route.pattern = "^" .. pattern .. "$"
  end
  return list
end

--- The operation for a method and a path.
---@param list table[] compiled
---@param method string
---@param path string
---@param methods string[] the methods that the path has otherwise are appended
---@return table? route
---@return table? captures what stands for the names in braces
function M.find(list, method, path, methods)
  for _, route in ipairs(list) do
    local first, second = path:match(route.pattern)
    if first and route.method == method then return route, { M.unescape(first), second and M.unescape(second) } end
    if first then methods[#methods + 1] = route.method end
  end
end

return M
