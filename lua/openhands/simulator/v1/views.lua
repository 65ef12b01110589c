--- Converts a conversation of the model to the objects of V1: start task, conversation, sandbox. Also builds the user.
local json = require "openhands.simulator.encoding.json"
local sandbox = require "openhands.simulator.model.sandbox"
local uuid = require "openhands.simulator.encoding.uuid"

local M = {}

local array, null, or_null = json.array, json.null, json.or_null

-- The user of the simulated account: an invented id.
local user_id = "5a0c1d7e-2b34-4f56-8a90-1c2d3e4f5a6b"
local default_model = "openhands/claude-sonnet-4-5"

--- The specification of a sandbox whose creator did not name one.
M.default_sandbox_spec = "ghcr.io/openhands/agent-server:simulated"

local function message_echo(message)
  if message == nil or message == null then
    return null
  end
  local content = array()
  for index, block in ipairs(message.content or {}) do
    content[index] = { type = block.type, text = block.text, image_urls = block.image_urls,
      cache_prompt = block.cache_prompt or false }
  end
  return { role = message.role or "user", content = content, run = message.run or false }
end

local function masked(secrets)
  if secrets == nil or secrets == null then
    return null
  end
  local echo = {}
  for name in pairs(secrets) do
    echo[name] = "**********"
  end
  return echo
end

-- The fields of a start that a start task repeats unchanged, or as null.
local echoed = {
  "sandbox_id", "system_message_suffix", "llm_model", "agent_profile_id", "selected_repository", "selected_branch",
  "git_provider", "suggested_task", "title", "trigger", "parent_conversation_id", "public", "plugins",
}

local function request_echo(model, body)
  local echo = {
    initial_message = message_echo(body.initial_message), secrets = masked(body.secrets),
    pr_number = body.pr_number or array(), agent_type = body.agent_type or "default",
    processors = body.processors or array(),
  }
  for _, name in ipairs(echoed) do
    echo[name] = or_null(body[name])
  end
  if model.options.client_ids then
    local id = uuid.parse(body.conversation_id)
    echo.conversation_id = id and uuid.dashed(id) or null
  end
  return echo
end

--- Returns the start task of a conversation.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@param state? openhands.simulator.TaskState default: the current one
---@return table
function M.task(model, conversation, address, state)
  state = state or conversation
  local has_sandbox = state.sandbox_status ~= nil
  return {
    id = conversation.task_id, created_by_user_id = user_id, status = state.task_status,
    detail = or_null(state.task_detail), app_conversation_id = state.ready_at and conversation.id or null,
    sandbox_id = has_sandbox and conversation.sandbox_id or null,
    agent_server_url = has_sandbox and state.sandbox_status ~= "ERROR" and sandbox.url(conversation, address) or null,
    request = request_echo(model, conversation.request),
    created_at = model:timestamp(conversation.created_at),
    updated_at = model:timestamp(state.ready_at or state.updated_at),
  }
end

local function metrics(conversation)
  if not conversation.cost then
    return null
  end
  return {
    model_name = default_model, accumulated_cost = conversation.cost, max_budget_per_task = null,
    accumulated_token_usage = {
      model = default_model, prompt_tokens = math.floor(conversation.cost * 500000), completion_tokens = 1310,
      cache_read_tokens = 35500, cache_write_tokens = 4800, reasoning_tokens = 0, context_window = 200000,
      per_turn_token = 9200, response_id = "",
    },
  }
end

-- Returns the status of the sandbox and of the execution. With the outcome "flap", some reads return a transient value.
local function read_statuses(conversation)
  local transient
  if conversation.transient_statuses then
    conversation.status_read_count = (conversation.status_read_count or 0) + 1
    transient = conversation.transient_statuses[conversation.status_read_count]
  end
  if transient == "missing" then
    return "MISSING", nil
  end
  return conversation.sandbox_status, transient ~= "null" and conversation.execution_status or nil
end

--- Returns a conversation.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@return table
function M.conversation(model, conversation, address)
  local sandbox_status, execution_status = read_statuses(conversation)
  local is_up = sandbox_status == "RUNNING"
  local request = conversation.request
  local view = {
    id = conversation.id, created_by_user_id = user_id, sandbox_id = conversation.sandbox_id,
    selected_repository = or_null(request.selected_repository), selected_branch = or_null(request.selected_branch),
    git_provider = or_null(request.git_provider), title = conversation.title,
    trigger = request.trigger or "openhands_api", pr_number = array(conversation.pr_number),
    llm_model = default_model, agent_kind = "openhands",
    metrics = execution_status and metrics(conversation) or null, parent_conversation_id = null,
    sub_conversation_ids = array(), public = or_null(request.public), tags = {},
    created_at = model:timestamp(conversation.ready_at --[[@as number]]),
    updated_at = model:timestamp(conversation.updated_at),
    sandbox_status = sandbox_status, execution_status = or_null(execution_status),
    conversation_url = is_up and sandbox.conversation_url(conversation, address) or null,
    session_api_key = is_up and sandbox.session_key(conversation) or null,
    acp_server = null, launched_agent_profile = null,
  }
  if type(request.llm_model) == "string" then
    view.llm_model = request.llm_model
  end
  if view.git_provider == null and view.selected_repository ~= null then
    view.git_provider = "github"
  end
  if model.options.old then
    view.agent_kind, view.tags, view.acp_server, view.launched_agent_profile = nil, nil, nil, nil
  end
  return view
end

--- Returns the sandbox of a conversation.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@param address string of the server
---@return table
function M.sandbox(model, conversation, address)
  local urls, key = null, sandbox.session_key(conversation)
  if key ~= null then
    local base = sandbox.url(conversation, address)
    urls = array {
      { name = "AGENT_SERVER", url = base, port = 60000 },
      { name = "VSCODE", url = sandbox.editor_url(conversation, address), port = 60001 },
      { name = "WORKER_1", url = base .. "/work-1", port = 12000 },
    }
  end
  return {
    id = conversation.sandbox_id, created_by_user_id = user_id, status = conversation.sandbox_status,
    session_api_key = key, exposed_urls = urls,
    sandbox_spec_id = conversation.sandbox_spec_id or M.default_sandbox_spec,
    created_at = model:timestamp(conversation.created_at), status_detail = null,
  }
end

--- Returns the user of the account.
---@return table
function M.user()
  return {
    id = user_id, email = "dev@example.com", email_verified = true, org_id = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    org_name = "acme", role = "owner", permissions = array { "manage_secrets" }, language = "en",
    agent_settings = { schema_version = 1, llm = { model = default_model } }, git_user_name = "openhands",
    git_user_email = "openhands@example.com", v1_enabled = true, sandbox_grouping_strategy = "NO_GROUPING",
    search_api_key = null, sandbox_api_key = null,
  }
end

return M
