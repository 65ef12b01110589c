--- The secrets of the account, in the words of V0. Their values are never told.
local account = require "openhands.simulator.model.account"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null

local text, maybe_text = { kind = "string", required = true }, { kind = "string", nullable = true }

local new_body = { kind = "object", fields = { name = text, value = text, description = maybe_text } }

local function secrets(model)
  local list = array()
  for position, secret in ipairs(model.secrets) do
    list[position] = { name = secret.name, description = secret.description or null }
  end
  return reply.json(200, { custom_secrets = list })
end

local function create(model, call)
  local body, errors = validation.body(call, new_body)
  if not body then return reply.detail(422, array(errors)) end
  if account.secret(model, body.name) then
    return reply.json(400, { message = ("Secret %s already exists"):format(body.name) })
  end
  table.insert(model.secrets, { name = body.name, value = body.value, description = body.description })
  return reply.json(201, { message = "Secret created successfully" })
end

-- V0 tells an error under another name than V1, which does the same otherwise.
local function reworded(answer)
  return function(...)
    local response = answer(...)
    if response.status ~= 400 and response.status ~= 404 then return response end
    return reply.json(response.status, { error = json.decode(response.body).detail })
  end
end

local path = "/api/secrets"

local list = {
  { method = "GET", path = path, answer = secrets },
  { method = "POST", path = path, answer = create },
}

for _, route in ipairs(require "openhands.simulator.v1.secrets") do
  local name = route.path:match("/{name}$")
  if name then list[#list + 1] = { method = route.method, path = path .. name, answer = reworded(route.answer) } end
end

return list
