--- The keys that `openhands-lua login` has stored: a file that only its owner can read, below the directory for
--- configuration. Each key belongs to the address of a service, and is given to that one alone.

local cjson = require "cjson"
local core = require "openhands.core"
local json = require "openhands.command_line.json"
local links = require "openhands.command_line.symbolic_link"

local M = {}

local ENOENT = 2 -- everywhere: there is no such file

local NO_PLACE = "neither XDG_CONFIG_HOME nor HOME is set: there is no place for the key"

local reader = cjson.new()

--- Returns the path of the file, and the directories that it needs, outermost first.
---@return string? path nil: neither XDG_CONFIG_HOME nor HOME is set
---@return string[]? directories
function M.path()
  local base, directories = os.getenv "XDG_CONFIG_HOME", {}
  if not base or base:sub(1, 1) ~= "/" then -- its specification has relative paths ignored
    local home = os.getenv "HOME"
    if not home or home == "" then
      return nil
    end
    base = home .. "/.config"
  end
  directories[1], directories[2] = base, base .. "/openhands"
  return base .. "/openhands/keys.json", directories
end

local function without_slashes(url)
  return (url:gsub("/*$", "", 1))
end

-- Returns what the file holds: records by the address of the service. A file that cannot be read is an error, not
-- empty: the keys in it would be lost with the next one that is stored.
local function read_all(path)
  local file, why, number = io.open(path)
  local text
  if file then
    text, why = file:read "*a"
    file:close()
  elseif number == ENOENT then
    return {}
  end
  if not text then
    return nil, ("%s cannot be read: %s"):format(path, why)
  end
  local good, value = pcall(reader.decode, text)
  if not good or type(value) ~= "table" then
    return nil, ("%s is damaged: remove it, and log in again"):format(path)
  end
  return value
end

--- Returns the key that is stored for a service.
---@param base_url string
---@return string? key
---@return string? problem
function M.read(base_url)
  local path = M.path()
  if not path then
    return nil
  end
  local all, problem = read_all(path)
  local entry = all and all[without_slashes(base_url)]
  local key = type(entry) == "table" and entry.api_key
  return type(key) == "string" and key or nil, problem
end

-- Writes the keys to a file beside the others, which takes their place as a whole. Its name is a new one: nobody can
-- have made a link of it, and two logins at once do not write to the same.
local function replace(path, all)
  local draft = ("%s.%s.new"):format(path, core.uuid())
  local good, why = core.private_file(draft)
  local file = good and io.open(draft, "w")
  if file then
    good = file:write(json.encode(all), "\n")
    good = file:close() and good and os.rename(draft, path)
  end
  if not (file and good) then
    os.remove(draft)
    return nil, why
  end
  return true
end

--- Returns why no key can be stored; nil if one can.
---@return string?
function M.problem()
  local path = M.path()
  if not path then
    return NO_PLACE
  end
  local _, problem = read_all(path)
  return problem
end

--- Stores the key of a service, or removes it. The file is replaced as a whole, so that it is never half written; a
--- symbolic link to it stays, as one into a directory of dotfiles.
---@param base_url string
---@param key string? nil: removes it
---@return string? path
---@return string? problem
function M.write(base_url, key)
  local path, directories = M.path()
  if not path then
    return nil, NO_PLACE
  end
  local all, problem = read_all(path)
  if not all then
    return nil, problem
  end
  all[without_slashes(base_url)] = key and { api_key = key } or nil
  local good, why = true, nil
  for _, directory in ipairs(directories --[[@as string[] ]]) do
    good, why = core.private_directory(directory)
  end
  if good then
    local target
    target, why = links.target_of(path)
    good = false
    if target then
      good, why = replace(target, all)
    end
  end
  if not good then
    return nil, ("%s cannot be written%s"):format(path, why and ": " .. why or "")
  end
  return path
end

return M
