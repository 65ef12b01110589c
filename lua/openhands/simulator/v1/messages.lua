--- Handles messages to an existing V1 conversation, sent or queued, and changes of its language model.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local validation = require "openhands.simulator.handler.validation"

local null = json.null

local message_body = { kind = "object", fields = {
  role = { kind = "enum", values = { "user" } }, run = { kind = "boolean" },
  content = { kind = "list", of = { kind = "any" }, required = true, least = 1 },
} }

-- Returns the conversation if its agent server is reachable; otherwise nil and a refusal.
local function reach(model, id)
  local conversation = model:find_visible(id)
  if not conversation then
    return nil, responses.detail(404, "Conversation not found")
  end
  if conversation.sandbox_status == "RUNNING" then
    return conversation
  end
  if conversation.sandbox_status == "PAUSED" then
    return nil, responses.detail(409, "Sandbox is PAUSED. Use POST /api/v1/sandboxes/{id}/resume to resume it first.")
  elseif conversation.sandbox_status == "MISSING" then
    return nil, responses.detail(410, "Conversation is archived. The sandbox no longer exists.")
  end
  return nil, responses.detail(502, "Failed to reach agent server.")
end

local function send_message(model, _, id, body)
  local conversation, refusal = reach(model, id)
  if not conversation then
    return refusal
  end
  model:emit(conversation, "message", schemas.text_of(body.content))
  if body.run ~= false then
    model:schedule(conversation, script.after_message())
  end
  return responses.json(200, { success = true, sandbox_status = conversation.sandbox_status, message = null })
end

local function queue_message(model, call, id)
  local body = json.decode(call.body)
  if type(body) ~= "table" or body == null then
    return responses.detail(400, "Invalid request body")
  end
  if not json.is_array(body.content) or #body.content == 0 then
    return responses.detail(400, "content must be a non-empty list")
  end
  -- Any id is accepted, even if no conversation has it. The model looks only for two keys when a conversation becomes
  -- ready (progress.lua).
  local queue = model.pending[id] or {}
  if #queue >= 10 then
    return responses.detail(429, "Too many pending messages. Maximum 10 messages per conversation.")
  end
  queue[#queue + 1] = schemas.text_of(body.content)
  model.pending[id] = queue
  return responses.json(201, { id = model:new_id(), queued = true, position = #queue })
end

-- Returns a handler that checks one field of the body and applies it to the conversation.
local function switch(field, apply)
  local body_schema = { kind = "object", fields = { [field] = { kind = "string", required = true, least = 1 } } }
  return function(model, call, id)
    local refusal = validation.path_uuid("conversation_id", id)
    if refusal then
      return refusal
    end
    local body, conversation
    body, refusal = validation.body(call, body_schema)
    if not body then
      return refusal
    end
    conversation, refusal = reach(model, id)
    if not conversation then
      return refusal
    end
    apply(conversation, body[field])
    return responses.json(200, { success = true })
  end
end

local path = "/api/v1/app-conversations/{id}"

return {
  { method = "POST", path = path .. "/send-message", handler = validation.with_body(message_body, send_message) },
  { method = "POST", path = path .. "/switch_profile",
    handler = switch("profile_name", function(conversation, name) conversation.profile_name = name end) },
  { method = "POST", path = path .. "/switch_acp_model",
    handler = switch("model", function(conversation, model) conversation.request.llm_model = model end) },
  { method = "POST", path = "/api/v1/conversations/{id}/pending-messages", handler = queue_message },
}
