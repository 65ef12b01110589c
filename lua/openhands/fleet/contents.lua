--- Compares the contents of items: two of the same key must be the same item. The ledger keeps a hash of them.

local core = require "openhands.core"
local json = require "openhands.fleet.json"
local repositories = require "openhands.api.repository"

local M = {}

local HASHES = "b3f1c2f6-6c1e-4f0e-9c55-0d0d2c8b7a11" -- namespace of the hashes of requests

--- Returns the hash of an item's contents.
---@param request string JSON of the fields of the start
---@param depends_on string[]?
---@param exclusive string?
---@return string
function M.hash(request, depends_on, exclusive)
  if depends_on or exclusive then
    request = request .. json.encode { depends_on = depends_on, exclusive = exclusive }
  end
  return core.uuid5(HASHES, request)
end

-- Returns the hash of an item as it would be with another provider, or with none.
local function hash_with(item, provider)
  local fields = json.decode(item.request)
  fields.git_provider = provider
  return M.hash(json.encode(fields), item.depends_on, item.exclusive)
end

-- Returns whether an item, whose repository was given by its address, is one without the provider that this says.
local function is_of_name(item, hash)
  return hash == hash_with(item, nil)
end

-- Returns whether an item, whose repository was given by its name alone, is one with a provider that an address says.
local function is_of_address(item, hash)
  for provider in pairs(repositories.PROVIDERS) do
    if hash == hash_with(item, provider) then
      return true
    end
  end
  return false
end

--- Returns how an item is recognized in a hash that is not its own: its repository may have been given once by its
--- address, which says the provider, and once by its name. A provider that the caller names now must be the same.
---@param given table fields of the item
---@param fields table the same, with the repository's name in place of its address
---@return (fun(item: table, hash: string): boolean)?
function M.recognition(given, fields)
  if fields.git_provider ~= given.git_provider then
    return is_of_name
  elseif fields.git_provider == nil and (fields.repository or fields.selected_repository) then
    return is_of_address
  end
end

return M
