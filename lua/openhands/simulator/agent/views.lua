--- What a conversation looks like from inside its sandbox, and what the operations of the agent server share.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"

local M = {}

local array, null = json.array, json.null

--- The conversations of the sandbox that the agent server knows.
---@param call table
---@return table[] jobs
function M.conversations(call)
  local found = {}
  for _, job in ipairs(call.jobs) do
    if job.ready_at and not job.left_agent then found[#found + 1] = job end
  end
  return found
end

--- A conversation of the sandbox.
---@param call table
---@param id string? 32 digits
---@return table? job
function M.find(call, id)
  for _, job in ipairs(M.conversations(call)) do
    if job.id == id then return job end
  end
end

--- Wraps an operation on a conversation: `answer` gets the job in place of its id.
---@param answer fun(model: table, call: table, job: table, second: any): table
function M.with_conversation(answer)
  return function(model, call, id, second)
    local errors = validation.path_uuid("conversation_id", id)
    if errors then return reply.detail(422, array(errors)) end
    local job = M.find(call, identifiers.uuid(id))
    if not job then return reply.detail(404, "Not Found") end
    return answer(model, call, job, second)
  end
end

--- Wraps an operation that takes a JSON body: `answer` gets it as its last argument.
---@param schema table see validation.lua
---@param answer fun(model: table, call: table, job: table, body: table): table
function M.with_body(schema, answer)
  return function(model, call, job)
    local body, errors = validation.body(call, schema)
    if not body then return reply.detail(422, array(errors)) end
    return answer(model, call, job, body)
  end
end

--- Lets the agent work (again): at once, and until it has finished.
---@param model openhands.simulator.Model
---@param job table
function M.go_on(model, job)
  local steps = script.after_message(job.api)
  table.insert(steps, 1, { 0, { execution_status = "running" } })
  model:schedule(job, steps)
end

--- What the agent has said at last: the message with which it finished, else its last message.
---@param job table
---@return string
function M.final_response(job)
  local said
  for position = #job.events, 1, -1 do
    local event = job.events[position]
    if event.kind == "ActionEvent" and event.action.kind == "FinishAction" then return event.action.message end
    if not said and event.kind == "MessageEvent" and event.source == "agent" then
      said = schemas.text_of(event.llm_message.content)
    end
  end
  return said or ""
end

--- ConversationInfo. Its id is dashed.
---@param model openhands.simulator.Model
---@param job table
---@return table
function M.info(model, job)
  local function moment(seconds) return timestamps.utc(model.options.epoch + seconds) end
  local llm_model = type(job.request.llm_model) == "string" and job.request.llm_model or "openhands/claude-sonnet-4-5"
  return {
    id = identifiers.dashed(job.id), title = job.title, execution_status = job.execution_status or "idle",
    agent = { kind = "Agent", llm = { model = llm_model }, tools = array { { name = "terminal" } } },
    workspace = { kind = "LocalWorkspace", working_dir = workspace.root },
    persistence_dir = "workspace/conversations", max_iterations = 500, stuck_detection = true,
    confirmation_policy = job.confirmation_policy or { kind = "NeverConfirm" },
    security_analyzer = job.security_analyzer or null, tags = job.tags or {}, activated_knowledge_skills = array(),
    blocked_actions = {}, blocked_messages = {}, agent_state = {}, secret_registry = { secret_sources = {} },
    stats = { usage_to_metrics = { agent = {
      model_name = llm_model, accumulated_cost = job.cost or 0,
    } } },
    metrics = null, created_at = moment(job.ready_at), updated_at = moment(job.updated_at),
  }
end

return M
