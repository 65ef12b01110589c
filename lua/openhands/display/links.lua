--- Decides which addresses of a result may become links, and how a pull request is called.

local M = {}

local LONGEST = 2000 -- bytes of an address

--- Returns an address if it is safe to follow: http or https, no user name that hides the host, no unusual bytes.
---@param address string?
---@return string?
function M.safe(address)
  if not address or #address > LONGEST or address:find "[^!-~]" or address:find "[\"'<>\\^`{|}]" then
    return nil
  end
  local authority = address:match "^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]+)"
  if not authority or authority:find("@", 1, true) then
    return nil
  end
  return address
end

--- Returns a short name for the pull request at an address, e.g. `owner/repository#12`. Made of the address itself, so
--- that it does not promise what the link does not keep.
---@param address string safe
---@return string
function M.pull_request_name(address)
  local host, path = address:match "^[a-zA-Z]+://([^/?#]+)/([^?#]*)"
  local repository, number = (path or ""):match "^(.-)/pull/(%d+)/?$"
  if not repository then
    repository, number = (path or ""):match "^(.-)/%-/merge_requests/(%d+)/?$"
  end
  if not repository then
    repository, number = (path or ""):match "^(.-)/pull%-requests/(%d+)/?$"
  end
  if not repository then
    return (address:gsub("^[a-zA-Z]+://", ""))
  end
  local is_usual = host == "github.com" or host == "gitlab.com" or host == "bitbucket.org"
  return (is_usual and "" or host .. "/") .. repository .. "#" .. number
end

return M
