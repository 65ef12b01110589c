--- Finds out which account a client has: runs, slots and quotas in the ledger belong to an account.

local M = {}

-- The service has no such call, or another one answers in its place: then all keys of an address count as one account.
local nameless = { unsupported = true, not_found = true, protocol = true }

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- Returns the service's address without what may be a secret in it.
local function address_of(client)
  return (client._base_url:gsub("^([A-Za-z]+://)[^/@]*@", "%1"):gsub("[?#].*", ""))
end

--- Returns the name of a client's account in the ledger: the given one, else the id that the service has for it and the
--- organization, else the address of the service.
---@param client openhands.Client
---@param given string?
---@return string? account_id
---@return openhands.Error? err
function M.of(client, given)
  if given then
    return given
  end
  local account, err = client:me()
  if err and not nameless[err.kind] then
    return nil, err
  end
  local id = account and (text(account.id) or text(account.user_id) or text(account.email))
  local organization = client._settings.organization or account and text(account.org_id)
  if not id then
    id = address_of(client)
  end
  return organization and ("%s/%s"):format(id, organization) or id
end

return M
