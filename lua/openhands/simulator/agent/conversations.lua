--- The agent server's operations on conversations: how one stands, letting it run, stopping it, changing it.
local agent_paging = require "openhands.simulator.agent.paging"
local agent_view = require "openhands.simulator.agent.views"
local ascii = require "openhands.ascii"
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null
local with_conversation, with_body = agent_view.with_conversation, agent_view.with_body

local success = { success = true }

local status_filter = { kind = "enum", values = { "idle", "running", "paused", "waiting_for_confirmation", "finished",
  "error", "stuck", "deleting" } }
local sort_order = { kind = "enum", default = "CREATED_AT_DESC",
  values = { "CREATED_AT", "UPDATED_AT", "CREATED_AT_DESC", "UPDATED_AT_DESC" } }

local function matching(call, query)
  return paging.select(agent_view.conversations(call), function(job)
    return not query.status or (job.execution_status or "idle") == query.status
  end)
end

local function search(model, call)
  local query, refusal = agent_paging.query(call, { status = status_filter, sort_order = sort_order })
  if not query then return refusal end
  local field, descending = ascii.lower(query.sort_order):match("^([a-z]+_at)(.*)$") --[[@as string, string]]
  local infos = {}
  for position, job in ipairs(paging.sort(matching(call, query), field, descending ~= "")) do
    infos[position] = agent_view.info(model, job)
  end
  return agent_paging.answer(infos, query)
end

local function count(_, call)
  local query, refusal = agent_paging.query(call, { status = status_filter })
  if not query then return refusal end
  return reply.json(200, #matching(call, query))
end

local function some(model, call)
  local query, errors = validation.query(call.query, { ids = { kind = "uuid", list = true, required = true } })
  if errors then return reply.detail(422, array(errors)) end
  if #query.ids >= 100 then return agent_paging.crash("AssertionError: ") end
  return reply.batch(query.ids, function(id)
    local job = agent_view.find(call, id)
    return job and agent_view.info(model, job)
  end)
end

local function one(model, _, job)
  return reply.json(200, agent_view.info(model, job))
end

local function final_response(_, _, job)
  return reply.json(200, { response = agent_view.final_response(job) })
end

local function already_running()
  return reply.json(409, {
    detail = "Conversation already running. Wait for completion or pause first.", retryable = true,
  })
end

local function run(model, _, job)
  if job.execution_status == "running" then return already_running() end
  agent_view.go_on(model, job)
  return reply.json(200, success)
end

-- The step that the agent's model is thinking about comes to its end first.
local function pause(model, _, job)
  local status = job.execution_status
  if status ~= "running" and status ~= "idle" then return reply.detail(400, "Conversation is not running") end
  model:schedule(job, { { 2, { execution_status = "paused" }, { "pause" } } })
  return reply.json(200, success)
end

local function interrupt(model, _, job)
  if job.execution_status == "running" then
    model:schedule(job, { { 0, { execution_status = "paused" }, { "interrupt" } } })
  end
  return reply.json(200, success)
end

local confirmation_body = { kind = "object", fields = {
  accept = { kind = "boolean", required = true }, reason = { kind = "string" },
} }

local function respond_to_confirmation(model, _, job, body)
  local is_waiting = job.execution_status == "waiting_for_confirmation"
  if body.accept then
    if job.execution_status == "running" then return already_running() end
    if is_waiting then model:tell(job, "accepted") end
    agent_view.go_on(model, job)
  elseif is_waiting then
    model:tell(job, "rejected", body.reason or "User rejected the action.")
    -- The agent does not pause: it has nothing to do until somebody lets it run.
    model:schedule(job, { { 0, { execution_status = "idle" } } })
  end
  return reply.json(200, success)
end

local secrets_body = { kind = "object", fields = {
  secrets = { kind = "map", required = true, of = { kind = "any" } },
} }

local function set_secrets(_, _, job, body)
  job.secrets = job.secrets or {}
  for name, value in pairs(body.secrets) do job.secrets[name] = value end
  return reply.json(200, success)
end

local question_body = { kind = "object", fields = { question = { kind = "string", required = true } } }

local function ask_agent(_, _, _, body)
  return reply.json(200, { response = "You asked: " .. body.question })
end

local function condense(model, _, job)
  model:tell(job, "condensation_request")
  return reply.json(200, success)
end

local tags = { kind = "map", nullable = true, of = { kind = "string" } }
local change_body = { kind = "object", fields = {
  title = { kind = "string", nullable = true, least = 1 }, tags = tags,
} }

local function given(value)
  return value ~= nil and value ~= null and value or nil
end

local function change(_, _, job, body)
  local title = given(body.title)
  if title and #title > 200 then
    return reply.detail(422, array { {
      type = "string_too_long", loc = array { "body", "title" }, msg = "String should have at most 200 characters",
      input = title,
    } })
  end
  job.title, job.tags = title or job.title, given(body.tags) or job.tags
  return reply.json(200, success)
end

local fork_body = { kind = "object", fields = {
  id = { kind = "uuid", nullable = true }, title = { kind = "string", nullable = true }, tags = tags,
  reset_metrics = { kind = "boolean" }, from_event_id = { kind = "string", nullable = true },
} }

-- Another conversation in the same sandbox, with what has happened in this one.
local function fork(model, _, job, body)
  local other = model:add_job {
    api = "v1", id = identifiers.uuid(given(body.id)), request = job.request, prompt = job.prompt,
    repository = job.repository,
  }
  other.sandbox_id, other.title, other.tags = job.sandbox_id, given(body.title) or job.title, given(body.tags)
  model:schedule(other, { { 0, { task_status = "READY", sandbox_status = "RUNNING", execution_status = "idle" } } })
  return reply.json(201, agent_view.info(model, other))
end

-- Changes that are asked for in the body, by the field that is noted.
local function setting(field, schema, note)
  local body_schema = { kind = "object", fields = { [field] = schema } }
  schema.required = true
  return with_conversation(with_body(body_schema, function(_, _, job, body)
    note(job, body[field])
    return reply.json(200, success)
  end))
end

local function object() return { kind = "object", fields = {} } end
local function name() return { kind = "string", least = 1 } end

local function runtime()
  return reply.json(200, { runtime_status = "available", can_resume = true, runtime_error = null })
end

local function delete(model, _, job)
  model:schedule(job, { { 0, { execution_status = false, left_agent = true } } })
  return reply.json(200, success)
end

-- To start one here is the service's business, which does it with its own credentials. A client that asks for an id
-- which is there gets that one.
local function start(model, call)
  local body = json.decode(call.body)
  local job = type(body) == "table" and agent_view.find(call, identifiers.uuid(body.conversation_id))
  if job then return reply.json(200, agent_view.info(model, job)) end
  return reply.detail(422, array { {
    type = "missing", loc = array { "body", "agent" }, msg = "Field required", input = null,
  } })
end

local path = "/api/conversations/{id}"

return {
  { method = "GET", path = "/api/conversations/search", answer = search },
  { method = "GET", path = "/api/conversations/count", answer = count },
  { method = "GET", path = "/api/conversations", answer = some },
  { method = "POST", path = "/api/conversations", answer = start },
  { method = "GET", path = path, answer = with_conversation(one) },
  { method = "PATCH", path = path, answer = with_conversation(with_body(change_body, change)) },
  { method = "DELETE", path = path, answer = with_conversation(delete) },
  { method = "GET", path = path .. "/agent_final_response", answer = with_conversation(final_response) },
  { method = "POST", path = path .. "/run", answer = with_conversation(run) },
  { method = "POST", path = path .. "/pause", answer = with_conversation(pause) },
  { method = "POST", path = path .. "/interrupt", answer = with_conversation(interrupt) },
  { method = "POST", path = path .. "/secrets", answer = with_conversation(with_body(secrets_body, set_secrets)) },
  { method = "POST", path = path .. "/ask_agent", answer = with_conversation(with_body(question_body, ask_agent)) },
  { method = "POST", path = path .. "/fork", answer = with_conversation(with_body(fork_body, fork)) },
  { method = "GET", path = path .. "/runtime", answer = with_conversation(runtime) },
  { method = "POST", path = path .. "/confirmation_policy",
    answer = setting("policy", object(), function(job, policy) job.confirmation_policy = policy end) },
  { method = "POST", path = path .. "/security_analyzer",
    answer = setting("security_analyzer", object(), function(job, analyzer) job.security_analyzer = analyzer end) },
  { method = "POST", path = path .. "/switch_llm",
    answer = setting("llm", object(), function(job, llm) job.request.llm_model = llm.model end) },
  { method = "POST", path = path .. "/switch_profile",
    answer = setting("profile_name", name(), function(job, profile) job.profile_name = profile end) },
  { method = "POST", path = path .. "/switch_acp_model",
    answer = setting("model", name(), function(job, model) job.request.llm_model = model end) },
  { method = "POST", path = path .. "/condense", answer = with_conversation(condense) },
  { method = "POST", path = path .. "/events/respond_to_confirmation",
    answer = with_conversation(with_body(confirmation_body, respond_to_confirmation)) },
}
