--- What is said to a V1 conversation that exists: messages, now or later, and another model to go on with.
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local script = require "openhands.simulator.model.script"
local validation = require "openhands.simulator.handler.validation"

local array, null = json.array, json.null

local message_body = { kind = "object", fields = {
  role = { kind = "enum", values = { "user" } }, run = { kind = "boolean" },
  content = { kind = "list", of = { kind = "any" }, required = true, least = 1 },
} }

-- The conversation, if its agent server can be spoken to; else why not.
local function reach(model, id)
  local job = model:conversation(id)
  if not job then return nil, reply.detail(404, "Conversation not found") end
  if job.sandbox_status == "RUNNING" then return job end
  if job.sandbox_status == "PAUSED" then
    return nil, reply.detail(409, "Sandbox is PAUSED. Use POST /api/v1/sandboxes/{id}/resume to resume it first.")
  elseif job.sandbox_status == "MISSING" then
    return nil, reply.detail(410, "Conversation is archived. The sandbox no longer exists.")
  end
  return nil, reply.detail(502, "Failed to reach agent server.")
end

local function send_message(model, call, id)
  local body, errors = validation.body(call, message_body)
  if not body then return reply.detail(422, array(errors)) end
  local job, refusal = reach(model, id)
  if not job then return refusal end
  model:tell(job, "message", schemas.text_of(body.content))
  if body.run ~= false then model:schedule(job, script.after_message()) end
  return reply.json(200, { success = true, sandbox_status = job.sandbox_status, message = null })
end

local function queue_message(model, call, id)
  local body = json.decode(call.body)
  if type(body) ~= "table" or body == null then return reply.detail(400, "Invalid request body") end
  if not json.is_array(body.content) or #body.content == 0 then
    return reply.detail(400, "content must be a non-empty list")
  end
  -- The id may be any text, even nobody's: what is queued is looked for under two spellings, once.
  local waiting = model.pending[id] or {}
  if #waiting >= 10 then
    return reply.detail(429, "Too many pending messages. Maximum 10 messages per conversation.")
  end
  waiting[#waiting + 1] = schemas.text_of(body.content)
  model.pending[id] = waiting
  return reply.json(201, { id = model:new_id(), queued = true, position = #waiting })
end

-- Switches to what the body names.
local function switch(field, apply)
  local body_schema = { kind = "object", fields = { [field] = { kind = "string", required = true, least = 1 } } }
  return function(model, call, id)
    local errors = validation.path_uuid("conversation_id", id)
    if errors then return reply.detail(422, array(errors)) end
    local body
    body, errors = validation.body(call, body_schema)
    if not body then return reply.detail(422, array(errors)) end
    local job, refusal = reach(model, id)
    if not job then return refusal end
    apply(job, body[field])
    return reply.json(200, { success = true })
  end
end

local conversation = "/api/v1/app-conversations/{id}"

return {
  { method = "POST", path = conversation .. "/send-message", answer = send_message },
  { method = "POST", path = conversation .. "/switch_profile",
    answer = switch("profile_name", function(job, name) job.profile_name = name end) },
  { method = "POST", path = conversation .. "/switch_acp_model",
    answer = switch("model", function(job, model) job.request.llm_model = model end) },
  { method = "POST", path = "/api/v1/conversations/{id}/pending-messages", answer = queue_message },
}
