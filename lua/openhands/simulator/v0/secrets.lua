--- Handles the secrets of the account in V0. No response contains a value.
local account = require "openhands.simulator.model.account"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null

local text, maybe_text = { kind = "string", required = true }, { kind = "string", nullable = true }

local new_body = { kind = "object", fields = { name = text, value = text, description = maybe_text } }

local function secrets(model)
  local list = array()
  for position, secret in ipairs(model.secrets) do
    list[position] = { name = secret.name, description = secret.description or null }
  end
  return responses.json(200, { custom_secrets = list })
end

local function create(model, _, _, body)
  if account.secret(model, body.name) then
    return responses.json(400, { message = ("Secret %s already exists"):format(body.name) })
  end
  table.insert(model.secrets, { name = body.name, value = body.value, description = body.description })
  return responses.json(201, { message = "Secret created successfully" })
end

-- Wraps a V1 handler: in V0, the field of an error is `error` instead of `detail`.
local function with_v0_error(handler)
  return function(...)
    local response = handler(...)
    if response.status ~= 400 and response.status ~= 404 then
      return response
    end
    return responses.json(response.status, { error = json.decode(response.body).detail })
  end
end

local path = "/api/secrets"

local list = {
  { method = "GET", path = path, handler = secrets },
  { method = "POST", path = path, handler = validation.with_body(new_body, create) },
}

for _, route in ipairs(require "openhands.simulator.v1.secrets") do
  local name = route.path:match("/{name}$")
  if name then
    list[#list + 1] = { method = route.method, path = path .. name, handler = with_v0_error(route.handler) }
  end
end

return list
