--- Finds the handler for a method and path. Also decodes percent-encoding.
local M = {}

---@class openhands.simulator.Route
---@field method string
---@field path string with names in braces, e.g. `/api/keys/{id}`
---@field handler openhands.simulator.Handler
---@field open? boolean needs no credential
---@field pattern? string made of `path` by `compile`

--- A request, in the form in which handlers get it.
---@class openhands.simulator.Call
---@field method string
---@field path string
---@field query table<string, string[]>
---@field headers table<string, string> by lower-case name
---@field body string
---@field address string of the server, for links in responses

--- A request to a server in a sandbox.
---@class openhands.simulator.SandboxCall: openhands.simulator.Call
---@field conversations openhands.simulator.Conversation[] those in the sandbox
---@field conversation openhands.simulator.Conversation the one that represents the sandbox: the first of them, or the
--- sandbox itself if it has no conversation

---@alias openhands.simulator.Handler fun(model: openhands.simulator.Model, call: table, ...: any):
--- openhands.simulator.Response

--- Decodes percent-encoding.
---@param text string
---@return string
function M.unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16) --[[@as integer]]) end))
end

--- Prepares a list of routes for `find`. If several match, the first wins.
---@param list openhands.simulator.Route[] changed in place
---@return openhands.simulator.Route[] list
function M.compile(list)
  for _, route in ipairs(list) do
    local pattern = route.path:gsub("[%-%.]", "%%%0"):gsub("{[A-Za-z0-9_]+}", "([^/]+)")
    route.pattern = "^" .. pattern .. "$"
  end
  return list
end

--- Finds the route of a method and a path.
---@param list openhands.simulator.Route[] compiled
---@param method string
---@param path string
---@param methods string[] the other methods of this path are appended
---@return openhands.simulator.Route? route
---@return (string|nil)[]? captures the values of the names in braces
function M.find(list, method, path, methods)
  for _, route in ipairs(list) do
    local first, second = path:match(route.pattern --[[@as string]])
    if first and route.method == method then
      return route, { M.unescape(first), second and M.unescape(second) or nil }
    end
    if first then
      methods[#methods + 1] = route.method
    end
  end
end

return M
