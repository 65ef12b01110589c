--- Handles catalogues: language models, their providers, skills, and the configuration of the web client.
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null

local function model_of(provider, name, verified)
  return { provider = provider, name = name, verified = verified, hidden = false, canonical = null }
end

local models = {
  model_of("openhands", "claude-sonnet-4-5", true), model_of("openhands", "gpt-5", true),
  model_of("anthropic", "claude-sonnet-4-5", true), model_of("openai", "gpt-5", true),
  model_of("mistral", "devstral-small", false), model_of(null, "local-model", false),
}

local providers = {
  { name = "openhands", verified = true }, { name = "anthropic", verified = true },
  { name = "openai", verified = true }, { name = "mistral", verified = false },
}

local skills = {
  { name = "docker", type = "knowledge", source = "global", triggers = array { "docker", "container" } },
  { name = "github", type = "knowledge", source = "global", triggers = array { "github", "git" } },
  { name = "repo", type = "repo", source = "user", triggers = null },
}

-- Returns a handler that searches a fixed list.
local function search(list, rules)
  rules.page_id = schemas.page_id
  rules.limit = rules.limit or { kind = "limit", default = 50 }
  return validation.with_query(rules, function(model, call, query)
    local found = lists.select(list, function(item)
      return (not query.query or item.name:find(query.query, 1, true))
        and (query.verified__eq == nil or item.verified == query.verified__eq)
        and (not query.provider__eq or item.provider == query.provider__eq)
    end)
    return paging.page(model, call, found, query)
  end)
end

local function marketplace_skills(_, call)
  local body = json.decode(call.body)
  if not json.is_array(body) then
    return responses.invalid { {
      type = "list_type", loc = array { "body" }, msg = "Input should be a valid list", input = null,
    } }
  end
  return responses.json(200, {
    skills = array(skills), plugins = array(), marketplace_skills = {}, errors = array(),
  })
end

local function web_client_config(model)
  return responses.json(200, {
    app_mode = "saas", feature_flags = { enable_billing = true }, maintenance_start_time = null, error_message = null,
    providers_configured = array(model.options.git_providers), faulty_models = array(), gitlab_enabled = false,
  })
end

local text, truth = { kind = "text" }, { kind = "boolean" }

return {
  { method = "GET", path = "/api/v1/config/models/search",
    handler = search(models, { query = text, verified__eq = truth, provider__eq = text }) },
  { method = "GET", path = "/api/v1/config/providers/search",
    handler = search(providers, { query = text, verified__eq = truth }) },
  { method = "POST", path = "/api/v1/skills/marketplace-skills", handler = marketplace_skills },
  { method = "GET", path = "/api/v1/web-client/config", handler = web_client_config, open = true },
  { method = "GET", path = "/api/v1/skills/search", handler = search(skills, { limit = schemas.limit }) },
}
