--- Handles requests to the agent server about conversations: status, run, pause, confirmation, changes.
local agent_paging = require "openhands.simulator.agent.paging"
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local uuid = require "openhands.simulator.encoding.uuid"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.agent.views"

local array, null = json.array, json.null
local with_conversation, with_body = views.with_conversation, validation.with_body

local success = { success = true }

local status_filter = { kind = "enum", values = { "idle", "running", "paused", "waiting_for_confirmation", "finished",
  "error", "stuck", "deleting" } }
local sort_order = { kind = "enum", default = "CREATED_AT_DESC",
  values = { "CREATED_AT", "UPDATED_AT", "CREATED_AT_DESC", "UPDATED_AT_DESC" } }

local function matching(call, query)
  return lists.select(views.conversations(call), function(conversation)
    return not query.status or (conversation.execution_status or "idle") == query.status
  end)
end

local function search(model, call)
  local query, refusal = agent_paging.query(call, { status = status_filter, sort_order = sort_order })
  if not query then
    return refusal
  end
  local field, descending = ascii.lower(query.sort_order):match("^([a-z]+_at)(.*)$") --[[@as string, string]]
  local infos = {}
  for position, conversation in ipairs(paging.sort(matching(call, query), field, descending ~= "")) do
    infos[position] = views.info(model, conversation)
  end
  return agent_paging.page(infos, query)
end

local function count(_, call)
  local query, refusal = agent_paging.query(call, { status = status_filter })
  if not query then
    return refusal
  end
  return responses.json(200, #matching(call, query))
end

local function some(model, call)
  local query, refusal = validation.query(call.query, { ids = { kind = "uuid", list = true, required = true } })
  if not query then
    return refusal
  end
  if #query.ids >= 100 then
    return agent_paging.crash("AssertionError: ")
  end
  return responses.batch(query.ids, function(id)
    local conversation = views.find(call, id)
    return conversation and views.info(model, conversation)
  end)
end

local function one(model, _, conversation)
  return responses.json(200, views.info(model, conversation))
end

local function final_response(_, _, conversation)
  return responses.json(200, { response = views.final_response(conversation) })
end

local function already_running()
  return responses.json(409, {
    detail = "Conversation already running. Wait for completion or pause first.", retryable = true,
  })
end

local function run(model, _, conversation)
  if conversation.execution_status == "running" then
    return already_running()
  end
  views.resume(model, conversation)
  return responses.json(200, success)
end

-- Pauses after two seconds (times `pace`), because the agent ends its current step first.
local function pause(model, _, conversation)
  local status = conversation.execution_status
  if status ~= "running" and status ~= "idle" then
    return responses.detail(400, "Conversation is not running")
  end
  model:schedule(conversation, { { 2, { execution_status = "paused" }, { "pause" } } })
  return responses.json(200, success)
end

local function interrupt(model, _, conversation)
  if conversation.execution_status == "running" then
    model:schedule(conversation, { { 0, { execution_status = "paused" }, { "interrupt" } } })
  end
  return responses.json(200, success)
end

local confirmation_body = { kind = "object", fields = {
  accept = { kind = "boolean", required = true }, reason = { kind = "string" },
} }

local function respond_to_confirmation(model, _, conversation, body)
  local is_waiting = conversation.execution_status == "waiting_for_confirmation"
  if body.accept then
    if conversation.execution_status == "running" then
      return already_running()
    end
    if is_waiting then
      model:emit(conversation, "accepted")
    end
    views.resume(model, conversation)
  elseif is_waiting then
    model:emit(conversation, "rejected", body.reason or "User rejected the action.")
    -- Not paused: the agent is idle until the next run.
    model:schedule(conversation, { { 0, { execution_status = "idle" } } })
  end
  return responses.json(200, success)
end

local secrets_body = { kind = "object", fields = {
  secrets = { kind = "map", required = true, of = { kind = "any" } },
} }

local function set_secrets(_, _, conversation, body)
  conversation.secrets = conversation.secrets or {}
  for name, value in pairs(body.secrets) do
    conversation.secrets[name] = value
  end
  return responses.json(200, success)
end

local question_body = { kind = "object", fields = { question = { kind = "string", required = true } } }

local function ask_agent(_, _, _, body)
  return responses.json(200, { response = "You asked: " .. body.question })
end

local function condense(model, _, conversation)
  model:emit(conversation, "condensation_request")
  return responses.json(200, success)
end

local tags = { kind = "map", nullable = true, of = { kind = "string" } }
local change_body = { kind = "object", fields = {
  title = { kind = "string", nullable = true, least = 1 }, tags = tags,
} }

local function given(value)
  return value ~= nil and value ~= null and value or nil
end

local function change(_, _, conversation, body)
  local title = given(body.title)
  if title and #title > 200 then
    return responses.invalid { {
      type = "string_too_long", loc = array { "body", "title" }, msg = "String should have at most 200 characters",
      input = title,
    } }
  end
  conversation.title, conversation.tags = title or conversation.title, given(body.tags) or conversation.tags
  return responses.json(200, success)
end

local fork_body = { kind = "object", fields = {
  id = { kind = "uuid", nullable = true }, title = { kind = "string", nullable = true }, tags = tags,
  reset_metrics = { kind = "boolean" }, from_event_id = { kind = "string", nullable = true },
} }

-- Creates another conversation in the same sandbox.
local function fork(model, _, conversation, body)
  local other = model:add_conversation {
    api = "v1", id = uuid.parse(given(body.id)), request = conversation.request, prompt = conversation.prompt,
    repository = conversation.repository,
  }
  other.sandbox_id = conversation.sandbox_id
  other.title, other.tags = given(body.title) or conversation.title, given(body.tags)
  model:schedule(other, { { 0, { task_status = "READY", sandbox_status = "RUNNING", execution_status = "idle" } } })
  return responses.json(201, views.info(model, other))
end

local object_schema = { kind = "object", required = true, fields = {} }
local name_schema = { kind = "string", required = true, least = 1 }

-- Returns a handler that stores one field of the body in a field of the conversation.
local function setting(field, schema, name)
  local body_schema = { kind = "object", fields = { [field] = schema } }
  return with_conversation(with_body(body_schema, function(_, _, conversation, body)
    conversation[name] = body[field]
    return responses.json(200, success)
  end))
end

local llm_body = { kind = "object", fields = { llm = object_schema } }

local function switch_llm(_, _, conversation, body)
  conversation.request.llm_model = body.llm.model
  return responses.json(200, success)
end

local model_body = { kind = "object", fields = { model = name_schema } }

local function switch_model(_, _, conversation, body)
  conversation.request.llm_model = body.model
  return responses.json(200, success)
end

local function runtime()
  return responses.json(200, { runtime_status = "available", can_resume = true, runtime_error = null })
end

local function delete(model, _, conversation)
  model:schedule(conversation, { { 0, { execution_status = false, removed_from_agent = true } } })
  return responses.json(200, success)
end

-- Returns the conversation that the body names, if it exists. Refuses to create one: only the service can do so here,
-- with its own credentials.
local function start(model, call)
  local body = json.decode(call.body)
  local conversation = type(body) == "table" and views.find(call, uuid.parse(body.conversation_id))
  if conversation then
    return responses.json(200, views.info(model, conversation))
  end
  return responses.missing("body", "agent")
end

local path = "/api/conversations/{id}"

return {
  { method = "GET", path = "/api/conversations/search", handler = search },
  { method = "GET", path = "/api/conversations/count", handler = count },
  { method = "GET", path = "/api/conversations", handler = some },
  { method = "POST", path = "/api/conversations", handler = start },
  { method = "GET", path = path, handler = with_conversation(one) },
  { method = "PATCH", path = path, handler = with_conversation(with_body(change_body, change)) },
  { method = "DELETE", path = path, handler = with_conversation(delete) },
  { method = "GET", path = path .. "/agent_final_response", handler = with_conversation(final_response) },
  { method = "POST", path = path .. "/run", handler = with_conversation(run) },
  { method = "POST", path = path .. "/pause", handler = with_conversation(pause) },
  { method = "POST", path = path .. "/interrupt", handler = with_conversation(interrupt) },
  { method = "POST", path = path .. "/secrets", handler = with_conversation(with_body(secrets_body, set_secrets)) },
  { method = "POST", path = path .. "/ask_agent", handler = with_conversation(with_body(question_body, ask_agent)) },
  { method = "POST", path = path .. "/fork", handler = with_conversation(with_body(fork_body, fork)) },
  { method = "GET", path = path .. "/runtime", handler = with_conversation(runtime) },
  { method = "POST", path = path .. "/confirmation_policy",
    handler = setting("policy", object_schema, "confirmation_policy") },
  { method = "POST", path = path .. "/security_analyzer",
    handler = setting("security_analyzer", object_schema, "security_analyzer") },
  { method = "POST", path = path .. "/switch_llm",
    handler = with_conversation(with_body(llm_body, switch_llm)) },
  { method = "POST", path = path .. "/switch_profile",
    handler = setting("profile_name", name_schema, "profile_name") },
  { method = "POST", path = path .. "/switch_acp_model",
    handler = with_conversation(with_body(model_body, switch_model)) },
  { method = "POST", path = path .. "/condense", handler = with_conversation(condense) },
  { method = "POST", path = path .. "/events/respond_to_confirmation",
    handler = with_conversation(with_body(confirmation_body, respond_to_confirmation)) },
}
