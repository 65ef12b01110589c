--- Handles V1 sandboxes, with or without a conversation, and the specifications they are created from.
local account = require "openhands.simulator.model.account"
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local sandboxes = require "openhands.simulator.model.sandbox"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local throttling = require "openhands.simulator.model.throttling"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array, null = json.array, json.null

-- Returns the conversations that have a sandbox, and the sandboxes without a conversation.
local function with_sandbox(model)
  local found = lists.select(model:conversations(), function(conversation)
    return conversation.api == "v1" and conversation.sandbox_status and model:is_visible(conversation)
  end)
  for _, sandbox in ipairs(model:standalone_sandboxes()) do
    found[#found + 1] = sandbox
  end
  return found
end

local function find(model, sandbox_id)
  for _, conversation in ipairs(with_sandbox(model)) do
    if conversation.sandbox_id == sandbox_id then
      return conversation
    end
  end
end

local function search(model, call, query)
  local found = paging.sort(with_sandbox(model), "created_at", true)
  return paging.page(model, call, found, query, function(conversation)
    return views.sandbox(model, conversation, call.address)
  end)
end

-- Returns a handler that responds with one entry for each value of the query parameter `id`.
local function some(view)
  return validation.with_query({ id = { kind = "text", list = true, required = true } }, function(model, call, query)
    if #query.id > 100 then
      return responses.detail(400, ("Cannot request more than 100 at once, got %d"):format(#query.id))
    end
    return responses.batch(query.id, function(id) return view(model, id, call) end)
  end)
end

local function sandbox_of(model, id, call)
  local conversation = find(model, id)
  return conversation and views.sandbox(model, conversation, call.address)
end

local function create(model, call, query)
  local refusal = throttling.admit(model)
  if refusal then
    return refusal
  end
  return responses.json(200, views.sandbox(model, model:add_sandbox(query.sandbox_spec_id), call.address))
end

-- Wraps a handler so that it gets the conversation, or standalone sandbox, of a sandbox id.
local function existing(handler)
  return function(model, _, sandbox_id)
    local conversation = find(model, sandbox_id)
    return conversation and handler(model, conversation) or responses.detail(404, "Not Found")
  end
end

local function pause(model, conversation)
  if conversation.sandbox_status == "RUNNING" then
    model:pause(conversation)
  end
  return responses.json(200, { success = true })
end

local function resume(model, conversation)
  if conversation.sandbox_status == "MISSING" or conversation.sandbox_status == "ERROR" then
    return responses.detail(409, {
      code = "runtime_not_resumable", current_status = conversation.sandbox_status,
      message = "The runtime cannot be resumed.",
    })
  end
  if conversation.sandbox_status == "PAUSED" then
    model:schedule(conversation, conversation.api and script.after_resume() or script.of_sandbox())
  end
  return responses.json(200, { success = true })
end

-- To delete a sandbox, the service requires its id in the query, too, and ignores the one in the path.
local id_again = { sandbox_id = { kind = "text", required = true } }

local delete = existing(function(model, conversation)
  model:pause(conversation)
  conversation.sandbox_status = "MISSING"
  return responses.json(200, { success = true })
end)

-- Specifications ------------------------------------------------------------------------------------------------------

local spec_ids = {
  views.default_sandbox_spec, "ghcr.io/openhands/agent-server:simulated-large",
  "ghcr.io/openhands/agent-server:simulated-gpu",
}

local function spec(model, id)
  for _, known in ipairs(spec_ids) do
    if known == id then
      return {
        id = id, command = null, created_at = model:timestamp(-7 * 86400),
        initial_env = { LOG_JSON = "true" }, working_dir = "/workspace/project",
      }
    end
  end
end

local function search_specs(model, call, query)
  return paging.page(model, call, spec_ids, query, function(id) return spec(model, id) end)
end

-- Secrets that a sandbox reads ----------------------------------------------------------------------------------------

-- Wraps a handler: first requires the session key of the sandbox.
local function with_session_key(handler)
  return function(model, call, sandbox_id, name)
    local given, owner = call.headers["x-session-api-key"], nil
    if not given then
      return responses.detail(401, "X-Session-API-Key header is required")
    end
    for _, conversation in ipairs(with_sandbox(model)) do
      if sandboxes.session_key(conversation) == given then
        owner = conversation
      end
    end
    if not owner then
      return responses.detail(401, "Invalid session API key")
    end
    if owner.sandbox_id ~= sandbox_id then
      return responses.detail(403, "Session API key does not belong to this sandbox")
    end
    return handler(model, owner, name)
  end
end

-- Returns the secrets in the request that started a conversation. They override those of the account.
local function own_secrets(conversation)
  local own = conversation.request and conversation.request.secrets
  return own ~= null and own or {}
end

local function secrets(model, conversation)
  local names, descriptions, list = {}, {}, array()
  for _, secret in ipairs(model.secrets) do
    descriptions[secret.name] = secret.description or null
  end
  for name in pairs(own_secrets(conversation)) do
    descriptions[name] = descriptions[name] or null
  end
  for name in pairs(descriptions) do
    names[#names + 1] = name
  end
  table.sort(names, ascii.is_before)
  for position, name in ipairs(names) do
    list[position] = { name = name, description = descriptions[name] }
  end
  return responses.json(200, { secrets = list })
end

local function secret(model, conversation, name)
  local stored = account.secret(model, name)
  local value = own_secrets(conversation)[name] or stored and stored.value
  if not value then
    return responses.detail(404, "Secret not found")
  end
  return responses.raw(200, "text/plain; charset=utf-8", value)
end

local path = "/api/v1/sandboxes"

return {
  { method = "GET", path = path .. "/search", handler = validation.with_query(schemas.paging, search) },
  { method = "GET", path = path, handler = some(sandbox_of) },
  { method = "POST", path = path, handler = validation.with_query({ sandbox_spec_id = { kind = "text" } }, create) },
  { method = "POST", path = path .. "/{id}/pause", handler = existing(pause) },
  { method = "POST", path = path .. "/{id}/resume", handler = existing(resume) },
  { method = "DELETE", path = path .. "/{id}",
    handler = validation.with_query(id_again, function(model, call, query)
      return delete(model, call, query.sandbox_id)
    end) },
  { method = "GET", path = path .. "/{id}/settings/secrets", handler = with_session_key(secrets), open = true },
  { method = "GET", path = path .. "/{id}/settings/secrets/{name}", handler = with_session_key(secret), open = true },
  { method = "GET", path = "/api/v1/sandbox-specs/search",
    handler = validation.with_query(schemas.paging, search_specs) },
  { method = "GET", path = "/api/v1/sandbox-specs", handler = some(spec) },
}
