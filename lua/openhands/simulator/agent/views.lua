--- Converts conversations to the objects of the agent server, and finds conversations for its handlers.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local uuid = require "openhands.simulator.encoding.uuid"

local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"

local M = {}

local array, null = json.array, json.null

--- Returns the conversations of the sandbox that its agent server lists: those that are ready and not deleted there.
---@param call openhands.simulator.SandboxCall
---@return openhands.simulator.Conversation[] conversations
function M.conversations(call)
  local found = {}
  for _, conversation in ipairs(call.conversations) do
    if conversation.ready_at and not conversation.removed_from_agent then
      found[#found + 1] = conversation
    end
  end
  return found
end

--- Finds a conversation of the sandbox.
---@param call openhands.simulator.SandboxCall
---@param id string? 32 digits
---@return openhands.simulator.Conversation? conversation
function M.find(call, id)
  for _, conversation in ipairs(M.conversations(call)) do
    if conversation.id == id then
      return conversation
    end
  end
end

--- Wraps a handler so that it gets the conversation in place of its id.
---@param handler openhands.simulator.Handler
---@return openhands.simulator.Handler
function M.with_conversation(handler)
  return function(model, call, id, second)
    local refusal = validation.path_uuid("conversation_id", id)
    if refusal then
      return refusal
    end
    local conversation = M.find(call, uuid.parse(id))
    if not conversation then
      return responses.detail(404, "Not Found")
    end
    return handler(model, call, conversation, second)
  end
end

--- Resumes the agent at once. It then works until it has finished.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
function M.resume(model, conversation)
  local steps = script.after_message(conversation.api)
  table.insert(steps, 1, { 0, { execution_status = "running" } })
  model:schedule(conversation, steps)
end

--- Returns the message with which the agent last finished, or its last message if it never has.
---@param conversation openhands.simulator.Conversation
---@return string
function M.final_response(conversation)
  local last_message
  for position = #conversation.events, 1, -1 do
    local event = conversation.events[position]
    if event.kind == "ActionEvent" and event.action.kind == "FinishAction" then
      return event.action.message
    end
    if not last_message and event.kind == "MessageEvent" and event.source == "agent" then
      last_message = schemas.text_of(event.llm_message.content)
    end
  end
  return last_message or ""
end

--- Returns a conversation as a `ConversationInfo`, the object of the agent server. Its id has dashes.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@return table
function M.info(model, conversation)
  local llm_model = conversation.request.llm_model
  llm_model = type(llm_model) == "string" and llm_model or "openhands/claude-sonnet-4-5"
  return {
    id = uuid.dashed(conversation.id), title = conversation.title,
    execution_status = conversation.execution_status or "idle",
    agent = { kind = "Agent", llm = { model = llm_model }, tools = array { { name = "terminal" } } },
    workspace = { kind = "LocalWorkspace", working_dir = workspace.root },
    persistence_dir = "workspace/conversations", max_iterations = 500, stuck_detection = true,
    confirmation_policy = conversation.confirmation_policy or { kind = "NeverConfirm" },
    security_analyzer = conversation.security_analyzer or null, tags = conversation.tags or {},
    activated_knowledge_skills = array(), blocked_actions = {}, blocked_messages = {}, agent_state = {},
    secret_registry = { secret_sources = {} },
    stats = { usage_to_metrics = { agent = {
      model_name = llm_model, accumulated_cost = conversation.cost or 0,
    } } },
    metrics = null, created_at = model:timestamp(conversation.ready_at --[[@as number]]),
    updated_at = model:timestamp(conversation.updated_at),
  }
end

return M
