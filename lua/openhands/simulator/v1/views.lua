--- What a job looks like from outside, in V1: as a start task, as a conversation, as a sandbox.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

local array, null = json.array, json.null

-- Nobody: the account of the simulator. None of these ids exists anywhere.
local user_id = "5a0c1d7e-2b34-4f56-8a90-1c2d3e4f5a6b"
local default_model = "openhands/claude-sonnet-4-5"

--- What sandboxes are made of unless somebody asks for something else.
M.default_sandbox_spec = "ghcr.io/openhands/agent-server:simulated"

local function or_null(value)
  if value == nil then return null end
  return value
end

local function moment(model, seconds)
  return timestamps.utc(model.options.epoch + seconds)
end

-- Conversations of the simulator live below its own address, so that nothing ever points into the real world.
local function agent_server_url(job, address)
  return address .. "/runtime/" .. job.sandbox_id
end

--- The session key of a running sandbox: a new one after each awakening. Obviously not real.
---@param job table
---@return string|table key or null
function M.session_key(job)
  if job.sandbox_status ~= "RUNNING" then return null end
  return ("SIMULATED-session-key-%d-%d-not-real"):format(job.number, job.wakings)
end

local function message_echo(message)
  if message == nil or message == null then return null end
  local content = array()
  for index, block in ipairs(message.content or {}) do
    content[index] = { type = block.type, text = block.text, image_urls = block.image_urls,
      cache_prompt = block.cache_prompt or false }
  end
  return { role = message.role or "user", content = content, run = message.run or false }
end

local function masked(secrets)
  if secrets == nil or secrets == null then return null end
  local echo = {}
  for name in pairs(secrets) do echo[name] = "**********" end
  return echo
end

-- The fields of a start that are echoed as they came, or null.
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
  for _, name in ipairs(echoed) do echo[name] = or_null(body[name]) end
  if model.options.client_ids then
    local id = identifiers.uuid(body.conversation_id)
    echo.conversation_id = id and identifiers.dashed(id) or null
  end
  return echo
end

--- A start task.
---@param model openhands.simulator.Model
---@param job table
---@param address string of the server
---@param state? table one of the job's `task_states`; default: as it is now
---@return table
function M.task(model, job, address, state)
  state = state or job
  local has_sandbox = state.sandbox_status ~= nil
  return {
    id = job.task_id, created_by_user_id = user_id, status = state.task_status, detail = or_null(state.task_detail),
    app_conversation_id = state.ready_at and job.id or null,
    sandbox_id = has_sandbox and job.sandbox_id or null,
    agent_server_url = has_sandbox and state.sandbox_status ~= "ERROR" and agent_server_url(job, address) or null,
    request = request_echo(model, job.request),
    created_at = moment(model, job.created_at), updated_at = moment(model, state.ready_at or state.updated_at),
  }
end

local function metrics(job)
  if not job.cost then return null end
  return {
    model_name = default_model, accumulated_cost = job.cost, max_budget_per_task = null,
    accumulated_token_usage = {
      model = default_model, prompt_tokens = math.floor(job.cost * 500000), completion_tokens = 1310,
      cache_read_tokens = 35500, cache_write_tokens = 4800, reasoning_tokens = 0, context_window = 200000,
      per_turn_token = 9200, response_id = "",
    },
  }
end

-- The next look-up of the sandbox may go wrong for a moment (outcome "flap").
local function look_up(job)
  local slip
  if job.lookups then
    job.looked_up = (job.looked_up or 0) + 1
    slip = job.lookups[job.looked_up]
  end
  if slip == "missing" then return "MISSING", nil end
  return job.sandbox_status, slip ~= "null" and job.execution_status or nil
end

--- A conversation.
---@param model openhands.simulator.Model
---@param job table
---@param address string of the server
---@return table
function M.conversation(model, job, address)
  local sandbox_status, execution_status = look_up(job)
  local is_up = sandbox_status == "RUNNING"
  local request = job.request
  local view = {
    id = job.id, created_by_user_id = user_id, sandbox_id = job.sandbox_id,
    selected_repository = or_null(request.selected_repository), selected_branch = or_null(request.selected_branch),
    git_provider = or_null(request.git_provider), title = job.title, trigger = request.trigger or "openhands_api",
    pr_number = array(job.pr_number), llm_model = default_model, agent_kind = "openhands",
    metrics = execution_status and metrics(job) or null, parent_conversation_id = null,
    sub_conversation_ids = array(), public = or_null(request.public), tags = {},
    created_at = moment(model, job.ready_at), updated_at = moment(model, job.updated_at),
    sandbox_status = sandbox_status, execution_status = or_null(execution_status),
    conversation_url = is_up and agent_server_url(job, address) .. "/api/conversations/" .. job.id or null,
    session_api_key = is_up and M.session_key(job) or null,
    acp_server = null, launched_agent_profile = null,
  }
  if type(request.llm_model) == "string" then view.llm_model = request.llm_model end
  if view.git_provider == null and view.selected_repository ~= null then view.git_provider = "github" end
  if model.options.old then
    view.agent_kind, view.tags, view.acp_server, view.launched_agent_profile = nil, nil, nil, nil
  end
  return view
end

--- The sandbox of a job.
---@param model openhands.simulator.Model
---@param job table
---@param address string of the server
---@return table
function M.sandbox(model, job, address)
  local urls, key = null, M.session_key(job)
  if key ~= null then
    local base = agent_server_url(job, address)
    urls = array {
      { name = "AGENT_SERVER", url = base, port = 60000 },
      { name = "VSCODE", url = base .. "/vscode/?tkn=" .. key .. "&folder=%2Fworkspace%2Fproject", port = 60001 },
      { name = "WORKER_1", url = base .. "/work-1", port = 12000 },
    }
  end
  return {
    id = job.sandbox_id, created_by_user_id = user_id, status = job.sandbox_status, session_api_key = key,
    sandbox_spec_id = job.sandbox_spec_id or M.default_sandbox_spec, exposed_urls = urls,
    created_at = moment(model, job.created_at), status_detail = null,
  }
end

--- The account.
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
