--- Handles the account in V1: user, API keys, credits and quota.
local account = require "openhands.simulator.model.account"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array, null = json.array, json.null

local function me()
  return responses.json(200, views.user())
end

local function git_info()
  return responses.json(200, {
    id = "4711", login = "openhands-dev", avatar_url = "https://example.com/avatar.png", company = null, name = "Dev",
    email = "dev@example.com",
  })
end

local function git_organizations(model)
  return responses.json(200, {
    provider = model.options.git_providers[1] or "github", organizations = array { "acme" },
  })
end

-- Keys ----------------------------------------------------------------------------------------------------------------

local function current_key()
  local user = views.user()
  return responses.json(200, {
    id = 4711, name = "simulator", org_id = user.org_id, bound_org_id = null, user_id = user.id, auth_type = "bearer",
  })
end

local function view(entry)
  local shown = { id = entry.id, created_at = entry.created_at, last_used_at = null }
  for _, name in ipairs { "name", "not_before", "expires_at", "org_id" } do
    shown[name] = entry[name] == nil and null or entry[name]
  end
  return shown
end

local function keys(model)
  local list = array()
  for position, entry in ipairs(model.account.keys) do
    list[position] = view(entry)
  end
  return responses.json(200, list)
end

local key_body = { kind = "object", fields = {
  name = schemas.maybe_text, not_before = schemas.maybe_text, expires_at = schemas.maybe_text,
  org_id = schemas.maybe_uuid,
} }

local function make_key(model, _, _, body)
  local entry = {
    name = body.name, not_before = body.not_before, expires_at = body.expires_at, org_id = body.org_id,
    created_at = timestamps.utc(model:now()),
  }
  entry.key = account.issue(model.account, "api-key")
  entry.id = account.next_number(model.account)
  table.insert(model.account.keys, entry)
  local shown = view(entry)
  shown.key = entry.key -- only this response contains the key
  return responses.json(200, shown)
end

local function delete_key(model, _, id)
  local number = id:match("^%d+$")
  if not number then
    return responses.invalid { {
      type = "int_parsing", loc = array { "path", "key_id" }, input = id,
      msg = "Input should be a valid integer, unable to parse string as an integer",
    } }
  end
  for position, entry in ipairs(model.account.keys) do
    if entry.id == tonumber(number) then
      table.remove(model.account.keys, position)
      model.account.issued[entry.key] = false
      return responses.json(200, { message = "API key deleted successfully" })
    end
  end
  return responses.detail(404, "API key not found")
end

local function own_model_key()
  return responses.json(200, { key = "SIMULATED-model-key-not-real" })
end

-- Credits and quota ---------------------------------------------------------------------------------------------------

local function credits()
  return responses.json(200, { credits = "12.34" })
end

local day = 86400

local function quota(model)
  local midnight, used = math.floor(model:now() / day) * day, 0
  for _, start in ipairs(model.starts) do
    if not start.repeated and model.options.epoch + start.time >= midnight then
      used = used + 1
    end
  end
  return responses.json(200, {
    daily_limit = null, used_today = used, remaining = null, reset_at = timestamps.utc(midnight + day),
  })
end

return {
  { method = "GET", path = "/api/v1/users/me", handler = me },
  { method = "GET", path = "/api/v1/users/git-info", handler = git_info },
  { method = "GET", path = "/api/v1/users/git-organizations", handler = git_organizations },
  { method = "GET", path = "/api/keys", handler = keys },
  { method = "POST", path = "/api/keys", handler = validation.with_body(key_body, make_key) },
  { method = "GET", path = "/api/keys/current", handler = current_key },
  { method = "GET", path = "/api/keys/llm/byor", handler = own_model_key },
  { method = "DELETE", path = "/api/keys/{id}", handler = delete_key },
  { method = "GET", path = "/api/billing/credits", handler = credits },
  { method = "GET", path = "/api/quota/status", handler = quota },
}
