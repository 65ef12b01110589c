--- Handles the secrets of the account in V1, and its git providers.
local account = require "openhands.simulator.model.account"
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local validation = require "openhands.simulator.handler.validation"

local null = json.null

local required = { kind = "string", required = true }
local new_body = { kind = "object", fields = { name = required, value = required, description = schemas.maybe_text } }
local change_body = { kind = "object", fields = { name = required, description = schemas.maybe_text } }

-- A response never contains a value.
local function view(secret)
  return { name = secret.name, description = secret.description or null }
end

local filter = { name__contains = { kind = "text" }, page_id = schemas.page_id, limit = schemas.limit }

local function search(model, call, query)
  local found = lists.select(model.secrets, function(secret)
    return not query.name__contains or secret.name:find(query.name__contains, 1, true)
  end)
  return paging.page(model, call, found, query, view)
end

local function create(model, _, _, body)
  local secret = account.secret(model, body.name)
  if secret and model.options.old then
    return responses.detail(400, ("Secret %s already exists"):format(body.name))
  elseif secret then
    secret.value, secret.description = body.value, body.description
  else
    table.insert(model.secrets, { name = body.name, value = body.value, description = body.description })
  end
  return responses.json(201, { message = "Secret created successfully" })
end

local function unknown(name)
  return responses.detail(404, ("Secret with ID %s not found"):format(name))
end

local function change(model, _, name, body)
  local secret = account.secret(model, name)
  if not secret then
    return unknown(name)
  end
  if body.name ~= name and account.secret(model, body.name) then
    return responses.detail(400, ("Secret %s already exists"):format(body.name))
  end
  secret.name, secret.description = body.name, body.description
  return responses.json(200, { message = "Secret updated successfully" })
end

local function delete(model, _, name)
  local _, position = account.secret(model, name)
  if not position then
    return unknown(name)
  end
  table.remove(model.secrets, position)
  return responses.json(200, { message = "Secret deleted successfully" })
end

local providers_body = { kind = "object", fields = {
  provider_tokens = { kind = "map", of = { kind = "any" } }, mcp_config = { kind = "any" },
} }

local function set_providers(model, _, _, body)
  local connected = {}
  for name in pairs(body.provider_tokens or {}) do
    connected[#connected + 1] = name
  end
  table.sort(connected, ascii.is_before)
  model.options.git_providers = connected
  return responses.json(200, { message = "Git providers stored" })
end

local function delete_providers(model)
  model.options.git_providers = {}
  return responses.json(200, { message = "Unset Git provider tokens" })
end

local path = "/api/v1/secrets"

return {
  { method = "GET", path = path .. "/search", handler = validation.with_query(filter, search) },
  { method = "POST", path = path, handler = validation.with_body(new_body, create) },
  { method = "POST", path = path .. "/git-providers", handler = validation.with_body(providers_body, set_providers) },
  { method = "DELETE", path = path .. "/git-providers", handler = delete_providers },
  { method = "PUT", path = path .. "/{name}", handler = validation.with_body(change_body, change) },
  { method = "DELETE", path = path .. "/{name}", handler = delete },
}
