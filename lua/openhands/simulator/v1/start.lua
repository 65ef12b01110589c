--- Handles V1 starts, with one response or a stream of task states, and requests for start tasks.
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local throttling = require "openhands.simulator.model.throttling"
local uuid = require "openhands.simulator.encoding.uuid"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local null = json.null
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

-- Accepts a start. Returns the existing conversation if an earlier start had the same id.
local function accept(model, call, body)
  local wanted = model.options.client_ids and uuid.parse(body.conversation_id) or nil
  local conversation = wanted and model:find(wanted)
  if conversation then
    model:record_start(conversation, call.body, true)
    return conversation
  end
  local refusal = throttling.admit(model)
  if refusal then
    return nil, refusal
  end
  local repository = body.selected_repository
  conversation = model:add_conversation {
    api = "v1", id = wanted, request = body, prompt = prompt_of(body.initial_message),
    repository = repository ~= null and repository or nil,
  }
  model:record_start(conversation, call.body)
  return conversation
end

-- Wraps a handler so that it gets the conversation of an accepted start.
local function accepting(handler)
  return validation.with_body(start_body, function(model, call, _, body)
    local conversation, refusal = accept(model, call, body)
    return conversation and handler(model, call, conversation) or refusal
  end)
end

local function start(model, call, conversation)
  return responses.json(200, views.task(model, conversation, call.address))
end

local ended = { READY = true, ERROR = true }

-- Seconds between two checks of a task without a scheduled change. Its stream stays open, because a later request may
-- still change the task.
local idle_seconds = 1

-- Streams every state of the task. As in the service, a separator is sent together with the element after it.
local function task_stream(model, conversation, address)
  local position, finished = 0, false
  return function()
    if finished then
      return nil
    end
    if position == 0 then
      position = 1
      return "[\n"
    end
    local state = conversation.task_states[position]
    if state then
      position = position + 1
      return (position > 2 and ",\n" or "") .. json.encode(views.task(model, conversation, address, state))
    end
    if ended[conversation.task_states[position - 1].task_status] then
      finished = true
      return "]"
    end
    return model:seconds_until_change(conversation) or idle_seconds
  end
end

local function stream_start(model, call, conversation)
  return responses.stream(200, "application/json", task_stream(model, conversation, call.address))
end

local function start_tasks(model, call, query)
  if #query.ids > 100 then
    return responses.detail(400, ("Cannot request more than 100 start tasks at once, got %d"):format(#query.ids))
  end
  return responses.batch(query.ids, function(id)
    local conversation = model:find_by_start_task(id)
    return conversation and model:is_visible(conversation) and views.task(model, conversation, call.address)
  end)
end

local filter = {
  conversation_id__eq = { kind = "uuid" }, created_at__gte = { kind = "datetime" }, limit = schemas.limit,
  page_id = schemas.page_id, sort_order = { kind = "enum", default = "CREATED_AT_DESC",
    values = { "CREATED_AT", "CREATED_AT_DESC", "UPDATED_AT", "UPDATED_AT_DESC" } },
}

local function matching(model, query)
  local epoch = model.options.epoch
  return lists.select(model:conversations(), function(conversation)
    return conversation.task_id and model:is_visible(conversation)
      -- As in the service, a task has the id of its conversation only when it is READY.
      and (not query.conversation_id__eq or conversation.ready_at and conversation.id == query.conversation_id__eq)
      and (not query.created_at__gte or epoch + conversation.created_at >= query.created_at__gte)
  end)
end

local function search(model, call, query)
  local field = query.sort_order:match("^UPDATED") and "updated_at" or "created_at"
  local found = paging.sort(matching(model, query), field, query.sort_order:match("DESC$"))
  return paging.page(model, call, found, query, function(conversation)
    return views.task(model, conversation, call.address)
  end)
end

local function count(model, _, query)
  return responses.json(200, #matching(model, query))
end

local path = "/api/v1/app-conversations"

return {
  { method = "POST", path = path, handler = accepting(start) },
  { method = "POST", path = path .. "/stream-start", handler = accepting(stream_start) },
  { method = "GET", path = path .. "/start-tasks",
    handler = validation.with_query({ ids = schemas.ids }, start_tasks) },
  { method = "GET", path = path .. "/start-tasks/search", handler = validation.with_query(filter, search) },
  { method = "GET", path = path .. "/start-tasks/count", handler = validation.with_query(filter, count) },
}
