--- The operations of V0. A V0 id may name a V1 conversation; its state is mapped as the service maps it.
local ascii = require "openhands.ascii"
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local runtime_access = require "openhands.simulator.model.sandbox"
local runtime_links = require "openhands.simulator.v0.runtime_links"
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"
local v0_events = require "openhands.simulator.v0.events"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null

local maybe_text = { kind = "string", nullable = true }
local maybe_map = { kind = "map", nullable = true, of = { kind = "any" } }

local start_body = { kind = "object", closed = true, fields = {
  initial_user_msg = maybe_text, repository = maybe_text, selected_branch = maybe_text, replay_json = maybe_text,
  conversation_instructions = maybe_text, suggested_task = maybe_map, create_microagent = maybe_map,
  mcp_config = maybe_map, image_urls = { kind = "list", nullable = true, of = { kind = "string" } },
  git_provider = { kind = "enum", nullable = true, values = { "github", "gitlab", "bitbucket", "enterprise_sso" } },
} }

local change_body = { kind = "object", closed = true, fields = { title = { kind = "string", required = true } } }

-- What V0 calls the state of a V1 conversation.
local status_of_sandbox = {
  RUNNING = "RUNNING", STARTING = "STARTING", PAUSED = "STOPPED", ERROR = "ERROR", MISSING = "ARCHIVED",
}

local function or_null(value)
  if value == nil then return null end
  return value
end

local function view(model, job, address)
  local status = job.status or status_of_sandbox[job.sandbox_status] or job.sandbox_status
  local request = job.request
  local info = {
    conversation_id = job.id, title = job.title, status = status,
    created_at = timestamps.utc(model.options.epoch + job.created_at),
    last_updated_at = timestamps.utc(model.options.epoch + job.updated_at),
    selected_repository = or_null(job.repository), trigger = "openhands_api",
  }
  if model.options.old then return info end
  info.runtime_status = or_null(job.runtime_status)
  info.selected_branch = or_null(request.selected_branch)
  info.git_provider = or_null(request.git_provider or job.repository and "github" or nil)
  info.num_connections = 0
  info.url = runtime_access.conversation_url(job, address)
  info.session_api_key = runtime_access.session_key(job)
  info.pr_number = array(job.pr_number)
  info.conversation_version = ascii.upper(job.api)
  info.sub_conversation_ids = array()
  return info
end

local function problem(status, message, message_id)
  return reply.json(status, { status = "error", message = message, msg_id = message_id })
end

local function start(model, call)
  local body, errors = validation.body(call, start_body)
  if not body then return reply.detail(422, array(errors)) end
  local function given(name)
    local value = body[name]
    if value ~= null and value ~= "" then return value end
  end
  if model.options.require_message and not given("initial_user_msg") then
    return problem(400, "Missing initial user message", "CONFIGURATION$MISSING_USER_MESSAGE")
  end
  if given("repository") == "owner/forbidden" then
    return reply.json(401, "Unable to access repo owner/forbidden")
  end
  local job = model:add_job {
    api = "v0", request = body, prompt = given("initial_user_msg") or "", repository = given("repository"),
  }
  model:note_start(job, call.body)
  local answer = { status = "ok", conversation_id = job.id }
  if not model.options.old then
    answer.message, answer.conversation_status = null, job.status
  end
  return reply.json(200, answer)
end

local function is_well_formed(id)
  return #id <= 100 and not id:find("..", 1, true) and not id:find("[/\1-\31\127]")
end

local function find(model, id)
  local job = model:job(identifiers.uuid(id) or id)
  return job and (job.api == "v0" or job.ready_at) and model:shows(job) and job or nil
end

local function conversation(model, call, id)
  if not is_well_formed(id) then return reply.detail(400, "Invalid conversation ID") end
  local job = find(model, id)
  return reply.json(200, job and view(model, job, call.address) or null)
end

local function conversations(model, call)
  local query, errors = validation.query(call.query, {
    page_id = { kind = "text" }, limit = { kind = "limit", default = 20 }, selected_repository = { kind = "text" },
  })
  if errors then return reply.detail(422, array(errors)) end
  local found = paging.select(model:all_jobs(), function(job)
    return find(model, job.id) and (not query.selected_repository or job.repository == query.selected_repository)
  end)
  return paging.answer(model, call, paging.sort(found, "created_at", true), query, function(job)
    return view(model, job, call.address)
  end, "results")
end

local function change(model, call, id)
  local body, errors = validation.body(call, change_body)
  if not body then return reply.detail(422, array(errors)) end
  local job = find(model, id)
  if not job then return problem(404, "Conversation not found", "CONVERSATION$NOT_FOUND") end
  job.title = body.title
  return reply.json(200, true)
end

local function delete(model, _, id)
  local job = find(model, id)
  if not job then return reply.json(200, false) end
  model:pause_job(job)
  job.sandbox_status, job.status, job.deleted = "MISSING", "ARCHIVED", true
  return reply.json(200, true)
end

local function stop(model, _, id)
  local job = find(model, id)
  if not job or job.api ~= "v0" then
    return reply.json(404, { status = "error", conversation_id = id })
  end
  local before = job.status
  local was_running = before == "RUNNING" or before == "STARTING"
  if was_running then model:schedule(job, script.after_stop()) end
  return reply.json(200, {
    status = "ok", conversation_id = job.id, conversation_status = before,
    message = was_running and "Conversation stopped successfully" or "Conversation was not running",
  })
end

local function start_again(model, _, id)
  local job = find(model, id)
  if not job or job.api ~= "v0" then
    return reply.json(404, { status = "error", conversation_id = id })
  end
  if job.status == "STOPPED" then
    job.wakings = job.wakings + 1
    model:schedule(job, script.of(job))
  end
  return reply.json(200, { status = "ok", conversation_id = job.id, message = null, conversation_status = job.status })
end

local function events(model, call, id)
  return v0_events.answer(call, find(model, id), id)
end

-- What needs the runtime is not to be had from the service, but only from the runtime itself.
local unsupported = {
  { "GET", "/list-files" }, { "GET", "/select-file" }, { "GET", "/zip-directory" }, { "GET", "/git/changes" },
  { "GET", "/git/diff" }, { "GET", "/trajectory" }, { "POST", "/upload-files" }, { "POST", "/events" },
  { "POST", "/message" },
}

local path = "/api/conversations/{id}"

local list = {
  { method = "POST", path = "/api/conversations", answer = start },
  { method = "GET", path = "/api/conversations", answer = conversations },
  { method = "GET", path = path, answer = conversation },
  { method = "PATCH", path = path, answer = change },
  { method = "DELETE", path = path, answer = delete },
  { method = "POST", path = path .. "/start", answer = start_again },
  { method = "POST", path = path .. "/stop", answer = stop },
  { method = "GET", path = path .. "/events", answer = events },
}

for _, operation in ipairs(unsupported) do
  list[#list + 1] = { method = operation[1], path = path .. operation[2], answer = reply.crash }
end

for _, route in ipairs(require "openhands.simulator.v0.secrets") do list[#list + 1] = route end

for suffix, answer in pairs(runtime_links) do
  list[#list + 1] = { method = "GET", path = path .. suffix, answer = function(model, call, id)
    local job = find(model, id)
    if not job then return reply.detail(404, ("Conversation %s not found"):format(id)) end
    return answer(model, call, job)
  end }
end

return list
