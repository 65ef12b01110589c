--- Handles the settings of the account and its profiles: named configurations of a language model.
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array, null = json.array, json.null

local function is_object(value)
  return type(value) == "table" and value ~= null and not json.is_array(value)
end

-- Returns a copy of `below` with the fields of `above` merged in, recursively.
local function merged(below, above)
  local copy = {}
  for name, value in pairs(below) do
    copy[name] = value
  end
  for name, value in pairs(above) do
    copy[name] = is_object(value) and is_object(copy[name]) and merged(copy[name], value) or value
  end
  return copy
end

-- Returns a copy without the API keys of model providers, and whether the object has such a key.
local function without_keys(object)
  local copy, found = {}, false
  for name, value in pairs(object) do
    if name == "api_key" or name == "llm_api_key" then
      found = found or value ~= null
    elseif is_object(value) then
      local inner
      copy[name], inner = without_keys(value)
      found = found or inner
    else
      copy[name] = value
    end
  end
  return copy, found
end

-- Settings ------------------------------------------------------------------------------------------------------------

local function initial()
  local user = views.user()
  return {
    language = "en", user_version = null, remote_runtime_resource_factor = null, enable_sound_notifications = false,
    enable_proactive_conversation_starters = true, user_consents_to_analytics = null, disabled_skills = null,
    sandbox_base_container_image = null, sandbox_runtime_container_image = null, search_api_key = null,
    sandbox_api_key = null, max_budget_per_task = null, email = user.email, email_verified = user.email_verified,
    git_user_name = user.git_user_name, git_user_email = user.git_user_email, title_llm_profile = null,
    git_full_clone = false, v1_enabled = true, agent_settings = user.agent_settings,
    conversation_settings = { schema_version = 1, max_iterations = 500, confirmation_mode = false,
      security_analyzer = "llm" },
    sandbox_grouping_strategy = "NO_GROUPING", default_sandbox_spec_id = null, active_agent_profile_id = null,
    active_agent_profile_revision = null, registered_marketplaces = array(), inherited_marketplaces = array(),
    search_api_key_set = false,
  }
end

-- Returns the profiles in the form in which the settings contain them.
local function profile_overview(model)
  local profiles = {}
  for name, config in pairs(model.account.profiles) do
    profiles[name] = (without_keys(config))
  end
  return { profiles = profiles, active = model.account.active_profile or null }
end

local function settings(model)
  if not model.account.settings then
    return responses.json(404, { error = "Settings not found" })
  end
  local view, has_key = without_keys(model.account.settings)
  view.llm_api_key_set = has_key
  view.llm_profiles = profile_overview(model)
  view.provider_tokens_set = {}
  for _, provider in ipairs(model.options.git_providers) do
    view.provider_tokens_set[provider] = null
  end
  return responses.json(200, view)
end

-- The nested objects, which can be changed only through `NAME_diff`.
local nested = { "agent_settings", "conversation_settings" }

-- The service silently ignores unknown settings.
local function save_settings(model, call)
  local body, refusal = validation.body(call, { kind = "map", of = { kind = "any" } })
  if not body then
    return refusal
  end
  local refused = array()
  for _, name in ipairs(nested) do
    if body[name] ~= nil then
      refused[#refused + 1] = name
    end
  end
  if #refused > 0 then
    return responses.json(422, { error = "Use *_diff nested settings payloads instead of legacy keys", keys = refused })
  end
  local before, changes = model.account.settings or initial(), {}
  for name, value in pairs(body) do
    local plain = name:match "^(.*)_diff$" or name
    if before[plain] ~= nil then
      changes[plain] = value
    end
  end
  model.account.settings = merged(before, changes)
  return responses.json(200, { message = "Settings stored" })
end

-- Profiles ------------------------------------------------------------------------------------------------------------

local name_schema = { kind = "string", required = true, pattern = "^[A-Za-z0-9._-]+$", least = 1, most = 64 }

local save_body = { kind = "object", fields = {
  include_secrets = { kind = "boolean" }, preserve_existing_api_key = { kind = "boolean" },
  llm = { kind = "map", nullable = true, of = { kind = "any" } },
} }

local rename_body = { kind = "object", fields = { new_name = name_schema } }

-- Wraps a handler: first checks the name in the path.
local function named(handler)
  return function(model, call, name)
    return validation.value(name, name_schema, { "path", "name" }) or handler(model, call, name)
  end
end

-- Wraps a handler so that it gets the configuration of an existing profile.
local function existing(handler)
  return named(function(model, call, name)
    local config = model.account.profiles[name]
    if not config then
      return responses.detail(404, ("Profile '%s' not found"):format(name))
    end
    return handler(model, call, name, config)
  end)
end

local function changed(status, name, what)
  return responses.json(status, { name = name, message = ("Profile '%s' %s"):format(name, what) })
end

local function profiles(model)
  local names, list = {}, array()
  for name in pairs(model.account.profiles) do
    names[#names + 1] = name
  end
  table.sort(names, ascii.is_before)
  for position, name in ipairs(names) do
    local config, has_key = without_keys(model.account.profiles[name])
    list[position] = { name = name, model = config.model or null, base_url = config.base_url or null,
      api_key_set = has_key }
  end
  return responses.json(200, { profiles = list, active_profile = model.account.active_profile or null })
end

local function profile(_, _, name, full)
  local config, has_key = without_keys(full)
  return responses.json(200, { name = name, config = config, api_key_set = has_key })
end

local function save_profile(model, call, name)
  local body, refusal = {}, nil ---@type table?, openhands.simulator.Response?
  if call.body ~= "" and call.body ~= "null" then
    body, refusal = validation.body(call, save_body)
  end
  if not body then
    return refusal
  end
  local config = is_object(body.llm) and body.llm or views.user().agent_settings.llm
  local before = model.account.profiles[name]
  if body.include_secrets == false then
    config = (without_keys(config))
  end
  if body.preserve_existing_api_key and before then
    config = merged({ api_key = before.api_key }, config)
  end
  model.account.profiles[name] = config
  return changed(201, name, "saved")
end

local function delete_profile(model, _, name)
  model.account.profiles[name] = nil
  if model.account.active_profile == name then
    model.account.active_profile = nil
  end
  return changed(200, name, "deleted")
end

local function activate_profile(model, _, name, config)
  model.account.active_profile = name
  return responses.json(200, { name = name, message = ("Profile '%s' activated"):format(name),
    model = config.model or null })
end

local function rename_profile(model, call, name, config)
  local body, refusal = validation.body(call, rename_body)
  if not body then
    return refusal
  end
  local all, new_name = model.account.profiles, body.new_name
  if all[new_name] and new_name ~= name then
    return responses.detail(409, ("Profile '%s' already exists"):format(new_name))
  end
  all[name] = nil
  all[new_name] = config
  if model.account.active_profile == name then
    model.account.active_profile = new_name
  end
  return changed(200, new_name, "renamed")
end

local path = "/api/v1/settings"
local one = path .. "/profiles/{name}"

return {
  { method = "GET", path = path, handler = settings },
  { method = "POST", path = path, handler = save_settings },
  { method = "GET", path = path .. "/profiles", handler = profiles },
  { method = "GET", path = one, handler = existing(profile) },
  { method = "POST", path = one, handler = named(save_profile) },
  { method = "DELETE", path = one, handler = existing(delete_profile) },
  { method = "POST", path = one .. "/activate", handler = existing(activate_profile) },
  { method = "POST", path = one .. "/rename", handler = existing(rename_profile) },
}
