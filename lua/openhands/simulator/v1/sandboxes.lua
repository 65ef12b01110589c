--- The sandboxes of V1, with a conversation in them or without, and what they are made of.
local ascii = require "openhands.ascii"
local account = require "openhands.simulator.model.account"
local json = require "openhands.simulator.encoding.json"
local limits = require "openhands.simulator.model.limits"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array, null = json.array, json.null

-- The jobs that have a sandbox, and the sandboxes that have no job.
local function with_sandbox(model)
  local found = paging.select(model:all_jobs(), function(job)
    return job.api == "v1" and job.sandbox_status and model:shows(job)
  end)
  for _, sandbox in ipairs(model:bare_sandboxes()) do found[#found + 1] = sandbox end
  return found
end

local function find(model, sandbox_id)
  for _, job in ipairs(with_sandbox(model)) do
    if job.sandbox_id == sandbox_id then return job end
  end
end

local function search(model, call, query)
  local found = paging.sort(with_sandbox(model), "created_at", true)
  return paging.answer(model, call, found, query, function(job) return views.sandbox(model, job, call.address) end)
end

-- Reads the parameter `id`, which is repeated, and answers with one entry for each.
local function some(view)
  return validation.with_query({ id = { kind = "text", list = true, required = true } }, function(model, call, query)
    if #query.id > 100 then
      return reply.detail(400, ("Cannot request more than 100 at once, got %d"):format(#query.id))
    end
    return reply.batch(query.id, function(id) return view(model, id, call) end)
  end)
end

local function sandbox_of(model, id, call)
  local job = find(model, id)
  return job and views.sandbox(model, job, call.address)
end

local function create(model, call, query)
  local refusal = limits.admit(model)
  if refusal then return refusal end
  return reply.json(200, views.sandbox(model, model:add_sandbox(query.sandbox_spec_id), call.address))
end

local function pause(model, _, sandbox_id)
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  if job.sandbox_status == "RUNNING" then model:pause_job(job) end
  return reply.json(200, { success = true })
end

local function resume(model, _, sandbox_id)
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  if job.sandbox_status == "MISSING" or job.sandbox_status == "ERROR" then
    return reply.detail(409, {
      code = "runtime_not_resumable", current_status = job.sandbox_status,
      message = "The runtime cannot be resumed.",
    })
  end
  if job.sandbox_status == "PAUSED" then
    model:schedule(job, job.api and script.after_resume() or script.of_sandbox())
  end
  return reply.json(200, { success = true })
end

-- The id in the path is not enough.
local id_again = { sandbox_id = { kind = "text", required = true } }

local function delete(model, _, _, sandbox_id)
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  model:pause_job(job)
  job.sandbox_status = "MISSING"
  return reply.json(200, { success = true })
end

-- What they are made of -----------------------------------------------------------------------------------------------

local spec_ids = {
  views.default_sandbox_spec, "ghcr.io/openhands/agent-server:simulated-large",
  "ghcr.io/openhands/agent-server:simulated-gpu",
}

local function spec(model, id)
  for _, known in ipairs(spec_ids) do
    if known == id then
      return {
        id = id, command = null, created_at = timestamps.utc(model.options.epoch - 7 * 86400),
        initial_env = { LOG_JSON = "true" }, working_dir = "/workspace/project",
      }
    end
  end
end

local function search_specs(model, call, query)
  return paging.answer(model, call, spec_ids, query, function(id) return spec(model, id) end)
end

-- Secrets, as a sandbox reads them ------------------------------------------------------------------------------------

-- Only the key of this very sandbox opens them.
local function with_session_key(answer)
  return function(model, call, sandbox_id, name)
    local given, owner = call.headers["x-session-api-key"], nil
    if not given then return reply.detail(401, "X-Session-API-Key header is required") end
    for _, job in ipairs(with_sandbox(model)) do
      if views.session_key(job) == given then owner = job end
    end
    if not owner then return reply.detail(401, "Invalid session API key") end
    if owner.sandbox_id ~= sandbox_id then
      return reply.detail(403, "Session API key does not belong to this sandbox")
    end
    return answer(model, owner, name)
  end
end

-- Those of the start come over those of the account.
local function own_secrets(job)
  local own = job.request and job.request.secrets
  return own ~= null and own or {}
end

local function secrets(model, job)
  local names, descriptions, list = {}, {}, array()
  for _, secret in ipairs(model.secrets) do descriptions[secret.name] = secret.description or null end
  for name in pairs(own_secrets(job)) do descriptions[name] = descriptions[name] or null end
  for name in pairs(descriptions) do names[#names + 1] = name end
  table.sort(names, ascii.is_before)
  for position, name in ipairs(names) do list[position] = { name = name, description = descriptions[name] } end
  return reply.json(200, { secrets = list })
end

local function secret(model, job, name)
  local stored = account.secret(model, name)
  local value = own_secrets(job)[name] or stored and stored.value
  if not value then return reply.detail(404, "Secret not found") end
  return reply.raw(200, "text/plain; charset=utf-8", value)
end

local path = "/api/v1/sandboxes"

return {
  { method = "GET", path = path .. "/search", answer = validation.with_query(schemas.paging, search) },
  { method = "GET", path = path, answer = some(sandbox_of) },
  { method = "POST", path = path, answer = validation.with_query({ sandbox_spec_id = { kind = "text" } }, create) },
  { method = "POST", path = path .. "/{id}/pause", answer = pause },
  { method = "POST", path = path .. "/{id}/resume", answer = resume },
  { method = "DELETE", path = path .. "/{id}", answer = validation.with_query(id_again, delete) },
  { method = "GET", path = path .. "/{id}/settings/secrets", answer = with_session_key(secrets), open = true },
  { method = "GET", path = path .. "/{id}/settings/secrets/{name}", answer = with_session_key(secret), open = true },
  { method = "GET", path = "/api/v1/sandbox-specs/search",
    answer = validation.with_query(schemas.paging, search_specs) },
  { method = "GET", path = "/api/v1/sandbox-specs", answer = some(spec) },
}
