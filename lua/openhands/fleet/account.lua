--- Finds out which account a client has: runs, slots and quotas in the ledger belong to an account.

local errors = require "openhands.errors"

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

--- Returns the account of a fleet in a ledger: the one under which it was made, if the service did not tell the account
--- then. Under two accounts it would be two fleets, and start each item twice.
---@param client openhands.Client
---@param ledger openhands.Ledger
---@param account_id string as the service tells it now
---@param fleet string
---@return string? account_id
---@return openhands.Error? err the service does not tell the account now, but did when the fleet was made
function M.of_fleet(client, ledger, account_id, fleet)
  local known, err = ledger:accounts { fleet = fleet }
  local address, other = address_of(client), nil
  local function is_address(account)
    return (account .. "/"):sub(1, #address + 1) == address .. "/"
  end
  for _, account in ipairs(known or {}) do
    if account == account_id then
      return account
    elseif is_address(account) ~= is_address(account_id) then
      other = account
    end
  end
  if known and other and not is_address(other) then
    return nil, errors.new { kind = "conflict", operation = "fleet", effect = "none", retryable = true,
      message = ("fleet: the service does not tell the account now, and the ledger has fleet '%s' for account '%s': "
        .. "give this 'account', or another one for another fleet"):format(fleet, other) }
  end
  return known and (other or account_id), err
end

return M
