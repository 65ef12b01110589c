--- The routes of V0. A request may name a V1 conversation; its status is then converted as in the service.
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local runtime_links = require "openhands.simulator.v0.runtime_links"
local sandbox = require "openhands.simulator.model.sandbox"
local script = require "openhands.simulator.model.script"
local uuid = require "openhands.simulator.encoding.uuid"

local v0_events = require "openhands.simulator.v0.events"
local validation = require "openhands.simulator.handler.validation"

local array, null, or_null = json.array, json.null, json.or_null

local maybe_text = { kind = "string", nullable = true }
local maybe_map = { kind = "map", nullable = true, of = { kind = "any" } }

local start_body = { kind = "object", closed = true, fields = {
  initial_user_msg = maybe_text, repository = maybe_text, selected_branch = maybe_text, replay_json = maybe_text,
  conversation_instructions = maybe_text, suggested_task = maybe_map, create_microagent = maybe_map,
  mcp_config = maybe_map, image_urls = { kind = "list", nullable = true, of = { kind = "string" } },
  git_provider = { kind = "enum", nullable = true, values = { "github", "gitlab", "bitbucket", "enterprise_sso" } },
} }

local change_body = { kind = "object", closed = true, fields = { title = { kind = "string", required = true } } }

-- The V0 status of a V1 conversation, by the status of its sandbox.
local status_of_sandbox = {
  RUNNING = "RUNNING", STARTING = "STARTING", PAUSED = "STOPPED", ERROR = "ERROR", MISSING = "ARCHIVED",
}

local function view(model, conversation, address)
  local status = conversation.status or status_of_sandbox[conversation.sandbox_status] or conversation.sandbox_status
  local request = conversation.request
  local info = {
    conversation_id = conversation.id, title = conversation.title, status = status,
    created_at = model:timestamp(conversation.created_at),
    last_updated_at = model:timestamp(conversation.updated_at),
    selected_repository = or_null(conversation.repository), trigger = "openhands_api",
  }
  if model.options.old then
    return info
  end
  info.runtime_status = or_null(conversation.runtime_status)
  info.selected_branch = or_null(request.selected_branch)
  info.git_provider = or_null(request.git_provider or conversation.repository and "github" or nil)
  info.num_connections = 0
  info.url = sandbox.conversation_url(conversation, address)
  info.session_api_key = sandbox.session_key(conversation)
  info.pr_number = array(conversation.pr_number)
  info.conversation_version = ascii.upper(conversation.api)
  info.sub_conversation_ids = array()
  return info
end

local function problem(status, message, message_id)
  return responses.json(status, { status = "error", message = message, msg_id = message_id })
end

local function start(model, call, _, body)
  local function given(name)
    local value = body[name]
    if value ~= null and value ~= "" then
      return value
    end
  end
  if model.options.require_message and not given("initial_user_msg") then
    return problem(400, "Missing initial user message", "CONFIGURATION$MISSING_USER_MESSAGE")
  end
  if given("repository") == "owner/forbidden" then
    return responses.json(401, "Unable to access repo owner/forbidden")
  end
  local conversation = model:add_conversation {
    api = "v0", request = body, prompt = given("initial_user_msg") or "", repository = given("repository"),
  }
  model:record_start(conversation, call.body)
  local started = { status = "ok", conversation_id = conversation.id }
  if not model.options.old then
    started.message, started.conversation_status = null, conversation.status
  end
  return responses.json(200, started)
end

local function is_well_formed(id)
  return #id <= 100 and not id:find("..", 1, true) and not id:find("[/\1-\31\127]")
end

local function find(model, id)
  local conversation = model:find(uuid.parse(id) or id)
  local is_shown = conversation and (conversation.api == "v0" or conversation.ready_at)
    and model:is_visible(conversation)
  return is_shown and conversation or nil
end

local function read(model, call, id)
  if not is_well_formed(id) then
    return responses.detail(400, "Invalid conversation ID")
  end
  local conversation = find(model, id)
  return responses.json(200, conversation and view(model, conversation, call.address) or null)
end

local filter = {
  page_id = { kind = "text" }, limit = { kind = "limit", default = 20 }, selected_repository = { kind = "text" },
}

local function search(model, call, query)
  local repository = query.selected_repository
  local found = lists.select(model:conversations(), function(conversation)
    return find(model, conversation.id) and (not repository or conversation.repository == repository)
  end)
  return paging.page(model, call, paging.sort(found, "created_at", true), query, function(conversation)
    return view(model, conversation, call.address)
  end, "results")
end

local function change(model, _, id, body)
  local conversation = find(model, id)
  if not conversation then
    return problem(404, "Conversation not found", "CONVERSATION$NOT_FOUND")
  end
  conversation.title = body.title
  return responses.json(200, true)
end

local function delete(model, _, id)
  local conversation = find(model, id)
  if not conversation then
    return responses.json(200, false)
  end
  model:pause(conversation)
  conversation.sandbox_status, conversation.status, conversation.deleted = "MISSING", "ARCHIVED", true
  return responses.json(200, true)
end

-- Wraps a handler so that it gets a V0 conversation instead of its id.
local function with_v0_conversation(handler)
  return function(model, _, id)
    local conversation = find(model, id)
    if not conversation or conversation.api ~= "v0" then
      return responses.json(404, { status = "error", conversation_id = id })
    end
    return handler(model, conversation)
  end
end

local function stop(model, conversation)
  local before = conversation.status
  local was_running = before == "RUNNING" or before == "STARTING"
  if was_running then
    model:schedule(conversation, script.after_stop())
  end
  return responses.json(200, {
    status = "ok", conversation_id = conversation.id, conversation_status = before,
    message = was_running and "Conversation stopped successfully" or "Conversation was not running",
  })
end

local function start_again(model, conversation)
  if conversation.status == "STOPPED" then
    conversation.session_number = conversation.session_number + 1
    model:schedule(conversation, script.of(conversation))
  end
  return responses.json(200, {
    status = "ok", conversation_id = conversation.id, message = null, conversation_status = conversation.status,
  })
end

local function events(model, call, id)
  return v0_events.page(call, find(model, id), id)
end

-- The operations that only the runtime performs. The service answers them with 500.
local unsupported = {
  { "GET", "/list-files" }, { "GET", "/select-file" }, { "GET", "/zip-directory" }, { "GET", "/git/changes" },
  { "GET", "/git/diff" }, { "GET", "/trajectory" }, { "POST", "/upload-files" }, { "POST", "/events" },
  { "POST", "/message" },
}

local path = "/api/conversations/{id}"

local list = {
  { method = "POST", path = "/api/conversations", handler = validation.with_body(start_body, start) },
  { method = "GET", path = "/api/conversations", handler = validation.with_query(filter, search) },
  { method = "GET", path = path, handler = read },
  { method = "PATCH", path = path, handler = validation.with_body(change_body, change) },
  { method = "DELETE", path = path, handler = delete },
  { method = "POST", path = path .. "/start", handler = with_v0_conversation(start_again) },
  { method = "POST", path = path .. "/stop", handler = with_v0_conversation(stop) },
  { method = "GET", path = path .. "/events", handler = events },
}

for _, operation in ipairs(unsupported) do
  list[#list + 1] = { method = operation[1], path = path .. operation[2], handler = responses.crash }
end

for _, route in ipairs(require "openhands.simulator.v0.secrets") do
  list[#list + 1] = route
end

for suffix, handler in pairs(runtime_links) do
  list[#list + 1] = { method = "GET", path = path .. suffix, handler = function(model, call, id)
    local conversation = find(model, id)
    if not conversation then
      return responses.detail(404, ("Conversation %s not found"):format(id))
    end
    return handler(model, call, conversation)
  end }
end

return list
