--- Where a ledger is: a file of SQLite, or a database of PostgreSQL. Keeps passwords out of messages.

local M = {}

--- A place where a ledger can be.
---@class openhands.LedgerLocation
---@field path string? of the file of SQLite
---@field parents string[]? directories to create if they are missing, outermost first
---@field url string? of the database of PostgreSQL, as libpq reads it
---@field name string for people: without the password

local DEFAULTS = { -- settings of libpq that a URL may change: a lost server must not hold up a worker for hours
  { "connect_timeout", "10" },
  { "keepalives_idle", "30" },
  { "keepalives_interval", "10" },
  { "keepalives_count", "3" },
  { "tcp_user_timeout", "60000" },
  { "fallback_application_name", "openhands" },
}

local function default_path()
  local state, parents = os.getenv "XDG_STATE_HOME", {}
  if not state or state:sub(1, 1) ~= "/" then -- its specification has relative paths ignored
    local home = os.getenv "HOME"
    if not home or home == "" then
      return nil, "neither XDG_STATE_HOME nor HOME is set: give the ledger's path"
    end
    parents = { home .. "/.local", home .. "/.local/state" }
    state = home .. "/.local/state"
  end
  parents[#parents + 1] = state
  parents[#parents + 1] = state .. "/openhands"
  return state .. "/openhands/ledger.db", parents
end

local function decoded(text)
  return (text:gsub("%%([0-9A-Fa-f][0-9A-Fa-f])", function(digits)
    return string.char(tonumber(digits, 16) --[[@as integer]])
  end))
end

local function replaced(text, part, by)
  local pattern = part:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  return (text:gsub(pattern, by))
end

-- Returns the texts of a URL that must not be shown, as written and decoded.
local function secrets_of(url)
  local secrets = {}
  local authority = url:match "^[a-z]+://([^/?]*)"
  local password = authority and authority:match "^[^:@]*:(.*)@"
  if password and password ~= "" then
    secrets = { password, decoded(password) }
  end
  for name, value in url:gmatch "[?&]([^=&]*)=([^&]*)" do
    if name:find "password" and value ~= "" then
      secrets[#secrets + 1] = value
      secrets[#secrets + 1] = decoded(value)
    end
  end
  return secrets
end

--- Returns a text without the password of a location.
---@param location openhands.LedgerLocation
---@param text any
---@return string
function M.without_password(location, text)
  text = tostring(text)
  if location.url then
    text = replaced(text, location.url, "[url]")
    for _, secret in ipairs(secrets_of(location.url)) do
      text = replaced(text, secret, "[redacted]")
    end
  end
  return text
end

--- Reads what says where a ledger is.
---@param where string? nil: the file of this user; a path; or postgresql://user:password@host:port/database
---@return openhands.LedgerLocation?
---@return string? problem
function M.parse(where)
  if where == nil then
    local path, parents = default_path()
    if not path then
      return nil, parents --[[@as string]]
    end
    return { path = path, parents = parents --[[@as string[] ]], name = path }
  end
  local scheme, rest = where:match "^([A-Za-z][A-Za-z0-9+.-]+)://(.*)$"
  if not scheme then
    if where:find "^[Pp]ostgres[A-Za-z]*:" then -- its password must not become the name of a file
      return nil, "the URL of a ledger is postgresql://user:password@host:port/database"
    elseif where == "" or where:find "[%z\1-\31]" then
      return nil, "the path of a ledger is a text without control characters"
    end
    return { path = where, parents = {}, name = where }
  end
  if scheme ~= "postgresql" and scheme ~= "postgres" then
    return nil, "a ledger is at a path, or at postgresql://user:password@host:port/database"
  end
  ---@cast rest string
  if rest:find "[^!-~]" or rest:find "#" or not rest:find "^[^@/?]*@?[^@/?]*[^@]*$" then
    -- libpq would read "?" and "/" in a password in its own way, and quote parts of it in messages
    return nil, "the URL of the ledger is not well formed: write special characters of the password as %XX"
  end
  local url = where
  for _, default in ipairs(DEFAULTS) do
    if not url:find("[?&]" .. default[1] .. "=") then
      url = url .. (url:find("?", 1, true) and "&" or "?") .. default[1] .. "=" .. default[2]
    end
  end
  local location = { url = url }
  location.name = where:gsub("%?.*", ""):gsub("^([a-z]+://[^:@/]*):[^@/]*@", "%1@")
  return location
end

return M
