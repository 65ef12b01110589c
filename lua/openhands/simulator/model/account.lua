--- What the account of a model holds: its settings and profiles, its keys, and which keys it has given out.
local M = {}

---@class openhands.simulator.Account
---@field settings? table as they were saved; nil: never
---@field profiles table<string, table> configurations by name
---@field active_profile? string
---@field keys table[] `{ id, name, key, created_at, expires_at, not_before, org_id }`
---@field issued table<string, boolean> whether a key that was given out is still good
---@field devices table<string, table> device logins by their code
---@field number integer how many have been numbered

--- A new account: nothing was saved yet, and nothing given out.
---@return openhands.simulator.Account
function M.new()
  return { profiles = {}, keys = {}, issued = {}, devices = {}, number = 0 }
end

--- A number that no key of the account has had.
---@param account openhands.simulator.Account
---@return integer
function M.next_number(account)
  account.number = account.number + 1
  return account.number
end

--- Gives out a key. Obviously not real.
---@param account openhands.simulator.Account
---@param purpose string
---@return string
function M.issue(account, purpose)
  local key = ("SIMULATED-%s-%d-not-real"):format(purpose, M.next_number(account))
  account.issued[key] = true
  return key
end

--- Whether a credential opens the account.
---@param model openhands.simulator.Model
---@param key string
---@return boolean
function M.accepts(model, key)
  local issued = model.account.issued[key]
  if issued ~= nil or not model.options.keys then return issued ~= false end
  for _, candidate in ipairs(model.options.keys) do
    if candidate == key then return true end
  end
  return false
end

--- A secret of the account, by its name.
---@param model openhands.simulator.Model
---@param name string
---@return table? secret
---@return integer? position
function M.secret(model, name)
  for position, secret in ipairs(model.secrets) do
    if secret.name == name then return secret, position end
  end
end

return M
