--- Parses URLs of callers and of the service. Scans each URL once: a pattern such as "/+$" would start a match at every
--- slash.

local limits = require "openhands.limits"

local M = {}

local MARK = "/api/conversations/"
local SLASH = 47

--- Returns a text without the slashes at its end.
---@param text string
---@return string
function M.without_slashes(text)
  local last = #text
  while last > 0 and text:byte(last) == SLASH do
    last = last - 1
  end
  return text:sub(1, last)
end

-- Removes "/api/conversations/" and the id behind it from the end of a URL, and then the slashes at its end.
local function base_of(url)
  local last
  local at = url:find(MARK, 1, true)
  while at do
    last = at
    at = url:find(MARK, at + 1, true)
  end
  if last and not url:find("/[^/]", last + #MARK) then
    url = url:sub(1, last - 1)
  end
  return M.without_slashes(url)
end

--- Returns the base URL of a conversation's own server, from the URL of the conversation there. The core decides
--- whether requests may go there.
---@param url string? as the service names it
---@return string? base of http or https
---@return boolean is_path the URL is a path on the service itself
function M.server_of(url)
  if not url or #url > limits.LONGEST_URL then
    return nil, false
  elseif url:byte() == SLASH then
    return nil, url:byte(2) ~= SLASH -- "//host" would be another host
  end
  local scheme = url:match("^([A-Za-z]+)://")
  scheme = scheme and scheme:gsub("[A-Z]", { H = "h", T = "t", P = "p", S = "s" })
  if scheme ~= "http" and scheme ~= "https" then
    return nil, false
  end
  return base_of(url), false
end

return M
