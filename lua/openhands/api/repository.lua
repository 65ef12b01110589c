--- Reads names of repositories, and their addresses as browsers and git show them. The service takes only `owner/name`:
--- with anything else it would begin a paid job that cannot find the repository.

local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"

local M = {}

local PART = "^[A-Za-z0-9._~-]+$"
-- Azure has projects such as "My Project (old)"; it refuses these characters. It also refuses "~", with which names
-- elsewhere may begin.
local AZURE_PART = "^[^\1-\31\127/:\\&%%;@'\"?<>|#$*{},+=%[%]]+$"

-- Hosts with a known provider, and the number of parts in a repository's name there. GitLab has groups inside groups.
local hosts = {
  ["github.com"] = { provider = "github", least = 2, most = 2 },
  ["gitlab.com"] = { provider = "gitlab", least = 2, most = 20 },
  ["bitbucket.org"] = { provider = "bitbucket", least = 2, most = 2 },
  ["codeberg.org"] = { provider = "forgejo", least = 2, most = 2 },
  ["dev.azure.com"] = { provider = "azure_devops", least = 3, most = 3, part = AZURE_PART },
  ["ssh.dev.azure.com"] = { provider = "azure_devops", least = 3, most = 3, part = AZURE_PART },
  ["vs-ssh.visualstudio.com"] = { provider = "azure_devops", least = 3, most = 3, part = AZURE_PART },
}

--- Providers that an address may say.
---@type table<string, true>
M.PROVIDERS = {}
for _, host in pairs(hosts) do
  M.PROVIDERS[host.provider] = true
end

local OLD_AZURE = "^([^.]+)%.visualstudio%.com$" -- its older hosts are named after the organization
local elsewhere = { least = 2, most = 20, part = AZURE_PART }

local NO_OWNER = 'names no owner: give "owner/name", or the address'
local NO_NAME = 'is not the name of a repository: give "owner/name", or the address'
local NO_ADDRESS = 'is not the address of a repository: give "owner/name", and a branch in the address as '
  .. "'selected_branch'"

-- Returns host and path of an address; nil for a name.
local function split(text)
  local rest = text:match "^[A-Za-z][A-Za-z0-9+.-]*://(.*)$"
  if rest then
    rest = rest:gsub("^[^/]*@", "")
    local host, path = rest:match "^([^/]*)/?(.*)$"
    return host:gsub(":%d*$", ""), path
  end
  local host, path = text:match "^[^/:@]+@([^/:]+):(.*)$" -- as git clones over ssh
  if host then
    return host, path
  end
  host, path = text:match "^([^/:@]+)/(.*)$"
  if host and hosts[core.lower(host):gsub("^www%.", "")] then
    return host, path
  end
end

local function unescaped(digits)
  return string.char(tonumber(digits, 16) --[[@as integer]])
end

-- Returns the parts of the name in the path of an address, without the address's escapes.
local function parts_of(path)
  local parts = {}
  for part in path:gsub("[?#].*$", ""):gsub("/+$", ""):gsub("%.git$", ""):gmatch "[^/]+" do
    if part ~= "_git" then -- Azure's mark before the name
      parts[#parts + 1] = part:gsub("%%([0-9A-Fa-f][0-9A-Fa-f])", unescaped)
    end
  end
  return parts
end

-- Returns whether a text cannot be a name: it has an empty part, ".", "..", a NUL, a blank at an end of a part, or a
-- blank elsewhere without being one of Azure's, which have three parts.
local function has_odd_parts(text)
  local framed, count = "/" .. text .. "/", 0
  if framed:find "[ /]/" or framed:find("/ ", 1, true) or text:find("\0", 1, true) then
    return true
  end
  for part in text:gmatch "[^/]+" do
    count = count + 1
    if part == "." or part == ".." then
      return true
    end
  end
  return count ~= 3 and text:find(" ", 1, true) ~= nil -- only Azure has blanks: `organization/My Project/name`
end

-- Returns what is wrong with the name of a repository, if anything is.
local function problem_of_name(text)
  if not text:find "[^/]/[^/]" then
    return NO_OWNER
  elseif text:find "^[./~-]" or text:find "[\1-\31\127:@?#\\]" or has_odd_parts(text) then
    return NO_NAME
  end
end

-- Returns what is known of a host, and the parts of the name in the path of an address there.
local function read(host, path)
  local known, parts = hosts[host], parts_of(path)
  local organization = not known and host:match(OLD_AZURE)
  if organization then
    known = hosts["dev.azure.com"]
    table.insert(parts, 1, organization)
    if parts[2] == "DefaultCollection" then
      table.remove(parts, 2)
    end
  elseif known and known.provider == "azure_devops" and parts[1] == "v3" then
    table.remove(parts, 1)
  end
  return known or elsewhere, parts
end

--- Returns the name of a repository and its provider, from its address or from its name. A name needs its owner.
---@param text string
---@return string? name nil: the text is neither
---@return string? provider if the host is known
---@return string? problem without a name: what is wrong with the text, which it does not repeat
function M.take_apart(text)
  local host, path = nil, nil
  if #text <= limits.LONGEST_URL then
    host, path = split(text)
  end
  if not host then
    local problem = problem_of_name(text)
    return not problem and text or nil, nil, problem
  end
  local known, parts = read((core.lower(host):gsub("^www%.", "")), path)
  for _, part in ipairs(parts) do
    if part == "-" or not part:find(known.part or PART) then -- GitLab has "-" before what is not part of a name
      return nil, nil, NO_ADDRESS
    end
  end
  local name = table.concat(parts, "/")
  if host == "" or #parts < known.least or #parts > known.most or has_odd_parts(name) then
    return nil, nil, NO_ADDRESS
  end
  return name, known.provider
end

--- Returns the fields of a call with the repository's name in place of its address. Raises if a field is neither a name
--- nor an address. Never changes the caller's table.
---@param call string name of the call
---@param fields table
---@param tells_provider boolean? whether the call has a field `git_provider`
---@return table fields
function M.in_fields(call, fields, tells_provider)
  local fresh = fields
  for _, field in ipairs { "repository", "selected_repository" } do
    local given = rawget(fields, field)
    if type(given) == "string" and given ~= "" then
      local name, provider, problem = M.take_apart(given)
      if not name then
        errors.raise(("%s: '%s' %s"):format(call, field, problem))
      elseif name ~= given then
        if fresh == fields then
          fresh = {}
          for key, value in pairs(fields) do
            fresh[key] = value
          end
          setmetatable(fresh, getmetatable(fields))
        end
        fresh[field] = name
        if tells_provider and rawget(fresh, "git_provider") == nil then
          fresh.git_provider = provider
        end
      end
    end
  end
  return fresh
end

return M
