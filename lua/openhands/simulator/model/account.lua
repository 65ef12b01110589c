--- The account of the simulated service: settings, profiles, API keys and secrets.
local lists = require "openhands.simulator.lists"

local M = {}

---@class openhands.simulator.Account
---@field settings? table as saved; nil: never saved
---@field profiles table<string, table> configurations by name
---@field active_profile? string
---@field keys table[] `{ id, name, key, created_at, expires_at, not_before, org_id }`
---@field issued table<string, boolean> whether an issued key is still valid
---@field devices table<string, table> device logins by their code
---@field number integer the last number given to a key or a device login

--- Creates an account without settings and keys.
---@return openhands.simulator.Account
function M.new()
  return { profiles = {}, keys = {}, issued = {}, devices = {}, number = 0 }
end

--- Returns the next unused number, for a key or a device login.
---@param account openhands.simulator.Account
---@return integer
function M.next_number(account)
  account.number = account.number + 1
  return account.number
end

--- Issues a key that is recognizably not a real one.
---@param account openhands.simulator.Account
---@param purpose string
---@return string
function M.issue(account, purpose)
  local key = ("SIMULATED-%s-%d-not-real"):format(purpose, M.next_number(account))
  account.issued[key] = true
  return key
end

--- Tells whether an API key is valid.
---@param model openhands.simulator.Model
---@param key string
---@return boolean
function M.accepts_key(model, key)
  local issued = model.account.issued[key]
  if issued ~= nil then
    return issued
  end
  return not model.options.keys or lists.includes(model.options.keys, key)
end

--- Tells whether the value of `X-Org-Id` is valid.
---@param model openhands.simulator.Model
---@param organization string
---@return boolean
function M.accepts_organization(model, organization)
  return not model.options.organizations or lists.includes(model.options.organizations, organization)
end

--- Finds a secret of the account by its name.
---@param model openhands.simulator.Model
---@param name string
---@return table? secret
---@return integer? position
function M.secret(model, name)
  for position, secret in ipairs(model.secrets) do
    if secret.name == name then
      return secret, position
    end
  end
end

return M
