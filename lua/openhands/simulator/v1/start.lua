--- Starting a conversation in V1, with one answer or with a stream of them, and the start tasks that tell how it goes.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local limits = require "openhands.simulator.model.limits"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array, null = json.array, json.null
local text, maybe_text = schemas.text, schemas.maybe_text

local start_body = { kind = "object", fields = {
  initial_message = { kind = "object", nullable = true, fields = {
    role = { kind = "enum", values = { "user", "system", "assistant", "tool" } },
    content = schemas.blocks, run = { kind = "boolean" },
  } },
  selected_repository = maybe_text, selected_branch = maybe_text, llm_model = maybe_text,
  agent_profile_id = maybe_text, title = maybe_text, sandbox_id = maybe_text, system_message_suffix = maybe_text,
  git_provider = schemas.maybe_provider,
  trigger = { kind = "enum", nullable = true, values = { "resolver", "gui", "suggested_task", "openhands_api", "slack",
    "microagent_management", "jira", "jira_dc", "linear", "bitbucket", "automation" } },
  agent_type = { kind = "enum", values = { "default", "plan" } },
  pr_number = { kind = "list", of = { kind = "integer" } },
  parent_conversation_id = schemas.maybe_uuid, conversation_id = schemas.maybe_uuid,
  public = schemas.maybe_boolean,
  suggested_task = { kind = "map", nullable = true, of = { kind = "any" } },
  plugins = { kind = "list", nullable = true, of = { kind = "object", fields = {
    source = { kind = "string", required = true }, ref = maybe_text, repo_path = maybe_text,
    parameters = { kind = "map", nullable = true, of = { kind = "any" } },
  } } },
  secrets = { kind = "map", nullable = true, of = text },
  processors = { kind = "list", nullable = true, of = { kind = "any" } },
} }

local function prompt_of(message)
  return message and message ~= null and schemas.text_of(message.content) or ""
end

-- Accepts a start, or finds the one that was accepted before.
local function accept(model, call)
  local body, errors = validation.body(call, start_body)
  if not body then return nil, reply.detail(422, array(errors)) end
  local wanted = model.options.client_ids and identifiers.uuid(body.conversation_id) or nil
  local job = wanted and model:job(wanted)
  if job then
    model:note_start(job, call.body, true)
    return job
  end
  local refusal = limits.admit(model)
  if refusal then return nil, refusal end
  local repository = body.selected_repository
  job = model:add_job {
    api = "v1", id = wanted, request = body, prompt = prompt_of(body.initial_message),
    repository = repository ~= null and repository or nil,
  }
  model:note_start(job, call.body)
  return job
end

local function start(model, call)
  local job, refusal = accept(model, call)
  if not job then return refusal end
  return reply.json(200, views.task(model, job, call.address))
end

local ended = { READY = true, ERROR = true }

-- A task which nothing moves any more is silent, but its stream goes on: somebody may still move it.
local silence = 1

-- Every state of the task, as the service writes it: what separates two elements comes together with the second one.
local function task_stream(model, job, address)
  local position, finished = 0, false
  return function()
    if finished then return nil end
    if position == 0 then
      position = 1
      return "[\n"
    end
    local state = job.task_states[position]
    if state then
      position = position + 1
      return (position > 2 and ",\n" or "") .. json.encode(views.task(model, job, address, state))
    end
    if ended[job.task_states[position - 1].task_status] then
      finished = true
      return "]"
    end
    return model:next_change(job) or silence
  end
end

local function stream_start(model, call)
  local job, refusal = accept(model, call)
  if not job then return refusal end
  return reply.stream(200, "application/json", task_stream(model, job, call.address))
end

local function start_tasks(model, call, query)
  if #query.ids > 100 then
    return reply.detail(400, ("Cannot request more than 100 start tasks at once, got %d"):format(#query.ids))
  end
  return reply.batch(query.ids, function(id)
    local job = model:job_of_task(id)
    return job and model:shows(job) and views.task(model, job, call.address)
  end)
end

local filter = {
  conversation_id__eq = { kind = "uuid" }, created_at__gte = { kind = "datetime" }, limit = schemas.limit,
  page_id = schemas.page_id, sort_order = { kind = "enum", default = "CREATED_AT_DESC",
    values = { "CREATED_AT", "CREATED_AT_DESC", "UPDATED_AT", "UPDATED_AT_DESC" } },
}

local function matching(model, query)
  local epoch = model.options.epoch
  return paging.select(model:all_jobs(), function(job)
    return job.task_id and model:shows(job)
      -- A task knows its conversation only when it is READY: until then this filter is blind.
      and (not query.conversation_id__eq or job.ready_at and job.id == query.conversation_id__eq)
      and (not query.created_at__gte or epoch + job.created_at >= query.created_at__gte)
  end)
end

local function search(model, call, query)
  local field = query.sort_order:match("^UPDATED") and "updated_at" or "created_at"
  local found = paging.sort(matching(model, query), field, query.sort_order:match("DESC$"))
  return paging.answer(model, call, found, query, function(job) return views.task(model, job, call.address) end)
end

local function count(model, _, query)
  return reply.json(200, #matching(model, query))
end

local path = "/api/v1/app-conversations"

return {
  { method = "POST", path = path, answer = start },
  { method = "POST", path = path .. "/stream-start", answer = stream_start },
  { method = "GET", path = path .. "/start-tasks",
    answer = validation.with_query({ ids = schemas.ids }, start_tasks) },
  { method = "GET", path = path .. "/start-tasks/search", answer = validation.with_query(filter, search) },
  { method = "GET", path = path .. "/start-tasks/count", answer = validation.with_query(filter, count) },
}
