--- The operations of V1 around a conversation: starting it, its start task, how it stands, and its events.
local identifiers = require "openhands.simulator.identifiers"
local json = require "openhands.simulator.json"
local limits = require "openhands.simulator.limits"
local paging = require "openhands.simulator.paging"
local reply = require "openhands.simulator.reply"
local validation = require "openhands.simulator.validation"
local views = require "openhands.simulator.views"

local array, null = json.array, json.null

-- Schemas ------------------------------------------------------------------------------------------------------------

local text, maybe_text = { kind = "string" }, { kind = "string", nullable = true }
local maybe_uuid = { kind = "uuid", nullable = true }

local blocks = {
  kind = "list",
  of = { kind = "block", schemas = {
    text = { closed = true, fields = {
      type = text, text = { kind = "string", required = true }, cache_prompt = { kind = "boolean" },
    } },
    image = { closed = true, fields = {
      type = text, image_urls = { kind = "list", of = text, required = true }, cache_prompt = { kind = "boolean" },
    } },
  } },
}

local role = { kind = "enum", values = { "user", "system", "assistant", "tool" } }

local providers = { "github", "gitlab", "bitbucket", "bitbucket_data_center", "forgejo", "azure_devops",
  "enterprise_sso" }

local start_body = { kind = "object", fields = {
  initial_message = { kind = "object", nullable = true, fields = {
    role = role, content = blocks, run = { kind = "boolean" },
  } },
  selected_repository = maybe_text, selected_branch = maybe_text, llm_model = maybe_text,
  agent_profile_id = maybe_text, title = maybe_text, sandbox_id = maybe_text, system_message_suffix = maybe_text,
  git_provider = { kind = "enum", nullable = true, values = providers },
  trigger = { kind = "enum", nullable = true, values = { "resolver", "gui", "suggested_task", "openhands_api", "slack",
    "microagent_management", "jira", "jira_dc", "linear", "bitbucket", "automation" } },
  agent_type = { kind = "enum", values = { "default", "plan" } },
  pr_number = { kind = "list", of = { kind = "integer" } },
  parent_conversation_id = maybe_uuid, conversation_id = maybe_uuid,
  public = { kind = "boolean", nullable = true },
  suggested_task = { kind = "map", nullable = true, of = { kind = "any" } },
  plugins = { kind = "list", nullable = true, of = { kind = "object", fields = {
    source = { kind = "string", required = true }, ref = maybe_text, repo_path = maybe_text,
    parameters = { kind = "map", nullable = true, of = { kind = "any" } },
  } } },
  secrets = { kind = "map", nullable = true, of = text },
  processors = { kind = "list", nullable = true, of = { kind = "any" } },
} }

local change_body = { kind = "object", fields = {
  title = maybe_text, public = { kind = "boolean", nullable = true }, selected_repository = maybe_text,
  selected_branch = maybe_text, git_provider = { kind = "enum", nullable = true, values = providers },
} }

local limit = { kind = "limit", default = 100 }
local ids = { kind = "uuid", list = true, required = true }

-- Answers ------------------------------------------------------------------------------------------------------------

local function prompt_of(message)
  local parts = {}
  if message and message ~= null then
    for _, block in ipairs(message.content or {}) do parts[#parts + 1] = block.text end
  end
  return table.concat(parts, "\n")
end

local function start(model, call)
  local body, errors = validation.body(call, start_body)
  if not body then return reply.detail(422, array(errors)) end
  local wanted = model.options.client_ids and identifiers.uuid(body.conversation_id) or nil
  local job = wanted and model:job(wanted)
  if job then
    model:note_start(job, call.body, true)
    return reply.json(200, views.task(model, job, call.address))
  end
  local refusal = limits.admit(model)
  if refusal then return refusal end
  local repository = body.selected_repository
  job = model:add_job {
    api = "v1", id = wanted, request = body, prompt = prompt_of(body.initial_message),
    repository = repository ~= null and repository or nil,
  }
  model:note_start(job, call.body)
  return reply.json(200, views.task(model, job, call.address))
end

-- One entry per id asked for, null where there is nothing to show.
local function batch(list, find)
  local entries = array()
  for index, id in ipairs(list) do entries[index] = find(id) or null end
  return entries
end

local function start_tasks(model, call)
  local query, errors = validation.query(call.query, { ids = ids })
  if errors then return reply.detail(422, array(errors)) end
  if #query.ids > 100 then
    return reply.detail(400, ("Cannot request more than 100 start tasks at once, got %d"):format(#query.ids))
  end
  return reply.json(200, batch(query.ids, function(id)
    local job = model:job_of_task(id)
    return job and model:shows(job) and views.task(model, job, call.address)
  end))
end

local task_filter = {
  conversation_id__eq = { kind = "uuid" }, created_at__gte = { kind = "datetime" }, limit = limit,
  page_id = { kind = "text" }, sort_order = { kind = "enum", default = "CREATED_AT_DESC",
    values = { "CREATED_AT", "CREATED_AT_DESC", "UPDATED_AT", "UPDATED_AT_DESC" } },
}

local function matching_tasks(model, query)
  local epoch = model.options.epoch
  return paging.select(model:all_jobs(), function(job)
    return job.task_id and model:shows(job)
      -- A task knows its conversation only when it is READY: until then this filter is blind.
      and (not query.conversation_id__eq or job.ready_at and job.id == query.conversation_id__eq)
      and (not query.created_at__gte or epoch + job.created_at >= query.created_at__gte)
  end)
end

local function search_tasks(model, call)
  local query, errors = validation.query(call.query, task_filter)
  if errors then return reply.detail(422, array(errors)) end
  local field = query.sort_order:match("^UPDATED") and "updated_at" or "created_at"
  local found = paging.sort(matching_tasks(model, query), field, query.sort_order:match("DESC$"))
  return paging.answer(found, query, function(job) return views.task(model, job, call.address) end)
end

local function count_tasks(model, call)
  local query, errors = validation.query(call.query, task_filter)
  if errors then return reply.detail(422, array(errors)) end
  return reply.json(200, #matching_tasks(model, query))
end

local function visible_conversation(model, id)
  local job = id and model:job(id)
  return job and job.api == "v1" and job.ready_at and model:shows(job) and job or nil
end

local function conversations(model, call)
  local asked = call.query.ids
  if not asked then
    return reply.detail(422, array(select(2, validation.query({}, { ids = ids }))))
  end
  for _, id in ipairs(asked) do
    if not identifiers.uuid(id) then
      return reply.detail(400, ("Invalid UUID format for ids: ['%s']"):format(id))
    end
  end
  if #asked > 99 then return reply.detail(400, "Too many ids requested. Maximum is 99.") end
  return reply.json(200, batch(asked, function(id)
    local job = visible_conversation(model, identifiers.uuid(id))
    return job and views.conversation(model, job, call.address)
  end))
end

local conversation_filter = {
  title__contains = { kind = "text" }, sandbox_id__eq = { kind = "text" }, page_id = { kind = "text" }, limit = limit,
  created_at__gte = { kind = "datetime" }, created_at__lt = { kind = "datetime" },
  updated_at__gte = { kind = "datetime" }, updated_at__lt = { kind = "datetime" },
}

local function matching_conversations(model, query)
  local function within(seconds, least, below)
    local at = model.options.epoch + seconds
    return (not least or at >= least) and (not below or at < below)
  end
  return paging.select(model:all_jobs(), function(job)
    return visible_conversation(model, job.id)
      and (not query.title__contains or job.title:find(query.title__contains, 1, true))
      and (not query.sandbox_id__eq or job.sandbox_id == query.sandbox_id__eq)
      and within(job.ready_at, query.created_at__gte, query.created_at__lt)
      and within(job.updated_at, query.updated_at__gte, query.updated_at__lt)
  end)
end

local function search_conversations(model, call)
  local query, errors = validation.query(call.query, conversation_filter)
  if errors then return reply.detail(422, array(errors)) end
  local found = paging.sort(matching_conversations(model, query), "created_at", true)
  return paging.answer(found, query, function(job) return views.conversation(model, job, call.address) end)
end

local function count_conversations(model, call)
  local query, errors = validation.query(call.query, conversation_filter)
  if errors then return reply.detail(422, array(errors)) end
  return reply.json(200, #matching_conversations(model, query))
end

local function change_conversation(model, call, id)
  if not identifiers.uuid(id) then return reply.crash() end
  local body, errors = validation.body(call, change_body)
  if not body then return reply.detail(422, array(errors)) end
  local job = visible_conversation(model, identifiers.uuid(id))
  if not job then return reply.detail(404, "unknown_app_conversation") end
  for name in pairs(change_body.fields) do
    if body[name] ~= nil then
      if name == "title" then job.title = body.title else job.request[name] = body[name] end
    end
  end
  return reply.json(200, views.conversation(model, job, call.address))
end

local function delete_conversation(model, _, id)
  if not identifiers.uuid(id) then return reply.detail(400, "Invalid conversation ID format") end
  local job = visible_conversation(model, identifiers.uuid(id))
  if not job then return reply.detail(404, "Conversation not found") end
  model:pause_job(job)
  job.sandbox_status, job.deleted = "MISSING", true
  return reply.json(200, { success = true })
end

-- Events -------------------------------------------------------------------------------------------------------------

local event_filter = {
  kind__eq = { kind = "enum", values = { "ServerErrorEvent", "ACPToolCallEvent", "Condensation", "CondensationRequest",
    "CondensationSummaryEvent", "ConversationErrorEvent", "ConversationStateUpdateEvent", "HookExecutionEvent",
    "LLMCompletionLogEvent", "ActionEvent", "MessageEvent", "AgentErrorEvent", "ObservationEvent",
    "UserRejectObservation", "SystemPromptEvent", "StreamingDeltaEvent", "TokenEvent", "InterruptEvent",
    "PauseEvent" } },
  timestamp__gte = { kind = "text" }, timestamp__lt = { kind = "text" }, page_id = { kind = "text" }, limit = limit,
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

-- Times are compared as text, so a bound with a zone does not do what its author thinks; neither does it here.
local function wanted_event(event, query)
  return (not query.kind__eq or event.kind == query.kind__eq)
    and (not query.timestamp__gte or event.timestamp >= query.timestamp__gte)
    and (not query.timestamp__lt or event.timestamp < query.timestamp__lt)
end

local function events_of(model, id)
  local job = model:job(identifiers.uuid(id))
  return job and job.api == "v1" and job.events or {}
end

local function search_events(model, call, id)
  local query, errors = validation.query(call.query, event_filter)
  if errors then return reply.detail(422, array(errors)) end
  local offset = tonumber((query.page_id or "0"):match("^%d+$"))
  if not identifiers.uuid(id) or not offset then return reply.crash() end
  local stored, items = events_of(model, id), array()
  local last = math.min(offset + query.limit, #stored)
  for position = offset + 1, last do
    local event = stored[query.sort_order == "TIMESTAMP" and position or #stored + 1 - position]
    if wanted_event(event, query) then items[#items + 1] = event end
  end
  return reply.json(200, { items = items, next_page_id = last < #stored and ("%d"):format(last) or null })
end

local function count_events(model, call, id)
  local query, errors = validation.query(call.query, event_filter)
  if errors then return reply.detail(422, array(errors)) end
  if not identifiers.uuid(id) then return reply.crash() end
  return reply.json(200, #paging.select(events_of(model, id), function(event) return wanted_event(event, query) end))
end

local function some_events(model, call, id)
  local asked = call.query.id
  if not asked then return reply.detail(422, array(select(2, validation.query({}, { id = ids })))) end
  if #asked > 100 then
    return reply.detail(400, ("Cannot request more than 100 events at once, got %d"):format(#asked))
  end
  if not identifiers.uuid(id) then return reply.crash() end
  return reply.json(200, batch(asked, function(event_id)
    for _, event in ipairs(events_of(model, id)) do
      if event.id == event_id then return event end
    end
  end))
end

-- Account ------------------------------------------------------------------------------------------------------------

local function me()
  return reply.json(200, views.user())
end

local function current_key()
  local user = views.user()
  return reply.json(200, {
    id = 4711, name = "simulator", org_id = user.org_id, bound_org_id = null, user_id = user.id, auth_type = "bearer",
  })
end

local conversation = "/api/v1/app-conversations/{id}"
local events = "/api/v1/conversation/{id}/events"

return {
  { method = "POST", path = "/api/v1/app-conversations", answer = start },
  { method = "GET", path = "/api/v1/app-conversations", answer = conversations },
  { method = "GET", path = "/api/v1/app-conversations/search", answer = search_conversations },
  { method = "GET", path = "/api/v1/app-conversations/count", answer = count_conversations },
  { method = "GET", path = "/api/v1/app-conversations/start-tasks", answer = start_tasks },
  { method = "GET", path = "/api/v1/app-conversations/start-tasks/search", answer = search_tasks },
  { method = "GET", path = "/api/v1/app-conversations/start-tasks/count", answer = count_tasks },
  { method = "PATCH", path = conversation, answer = change_conversation },
  { method = "DELETE", path = conversation, answer = delete_conversation },
  { method = "GET", path = events .. "/search", answer = search_events },
  { method = "GET", path = events .. "/count", answer = count_events },
  { method = "GET", path = events, answer = some_events },
  { method = "GET", path = "/api/v1/users/me", answer = me },
  { method = "GET", path = "/api/keys/current", answer = current_key },
}
