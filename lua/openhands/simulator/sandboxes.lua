--- The operations of V1 that act on what runs already: sandboxes and messages.
local identifiers = require "openhands.simulator.identifiers"
local json = require "openhands.simulator.json"
local paging = require "openhands.simulator.paging"
local reply = require "openhands.simulator.reply"
local script = require "openhands.simulator.script"
local validation = require "openhands.simulator.validation"
local views = require "openhands.simulator.views"

local array, null = json.array, json.null

local function with_sandbox(model)
  return paging.select(model:all_jobs(), function(job)
    return job.api == "v1" and job.sandbox_status and model:shows(job)
  end)
end

local function find(model, sandbox_id)
  for _, job in ipairs(with_sandbox(model)) do
    if job.sandbox_id == sandbox_id then return job end
  end
end

local function search(model, call)
  local query, errors = validation.query(call.query, {
    page_id = { kind = "text" }, limit = { kind = "limit", default = 100 },
  })
  if errors then return reply.detail(422, array(errors)) end
  local found = paging.sort(with_sandbox(model), "created_at", true)
  return paging.answer(found, query, function(job) return views.sandbox(model, job, call.address) end)
end

local function some(model, call)
  local query, errors = validation.query(call.query, { id = { kind = "text", list = true, required = true } })
  if errors then return reply.detail(422, array(errors)) end
  local entries = array()
  for index, id in ipairs(query.id) do
    local job = find(model, id)
    entries[index] = job and views.sandbox(model, job, call.address) or null
  end
  return reply.json(200, entries)
end

local function pause(model, _, sandbox_id)
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  if job.sandbox_status == "RUNNING" then model:pause_job(job) end
  return reply.json(200, { success = true })
end

local function resume(model, _, sandbox_id)
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  if job.sandbox_status == "MISSING" or job.sandbox_status == "ERROR" then
    return reply.detail(409, {
      code = "runtime_not_resumable", current_status = job.sandbox_status,
      message = "The runtime cannot be resumed.",
    })
  end
  if job.sandbox_status == "PAUSED" then model:schedule(job, script.after_resume()) end
  return reply.json(200, { success = true })
end

local function delete(model, call, sandbox_id)
  local _, errors = validation.query(call.query, { sandbox_id = { kind = "text", required = true } })
  if errors then return reply.detail(422, array(errors)) end
  local job = find(model, sandbox_id)
  if not job then return reply.detail(404, "Not Found") end
  model:pause_job(job)
  job.sandbox_status = "MISSING"
  return reply.json(200, { success = true })
end

local block = { kind = "any" }
local message_body = { kind = "object", fields = {
  role = { kind = "enum", values = { "user" } }, run = { kind = "boolean" },
  content = { kind = "list", of = block, required = true, least = 1 },
} }

local function text_of(content)
  local parts = {}
  for _, item in ipairs(content) do parts[#parts + 1] = type(item) == "table" and item.text or nil end
  return table.concat(parts, "\n")
end

local function send_message(model, call, id)
  local body, errors = validation.body(call, message_body)
  if not body then return reply.detail(422, array(errors)) end
  local job = model:job(identifiers.uuid(id))
  if not job or not job.ready_at or not model:shows(job) then return reply.detail(404, "Conversation not found") end
  if job.sandbox_status == "PAUSED" then
    return reply.detail(409,
      "Sandbox is PAUSED. Use POST /api/v1/sandboxes/{id}/resume to resume it first.")
  elseif job.sandbox_status == "MISSING" then
    return reply.detail(410, "Conversation is archived. The sandbox no longer exists.")
  elseif job.sandbox_status ~= "RUNNING" then
    return reply.detail(502, "Failed to reach agent server.")
  end
  model:tell(job, "message", text_of(body.content))
  if body.run ~= false then model:schedule(job, script.after_message()) end
  return reply.json(200, { success = true, sandbox_status = job.sandbox_status, message = null })
end

local function queue_message(model, call, id)
  local body = json.decode(call.body)
  if type(body) ~= "table" or body == null then return reply.detail(400, "Invalid request body") end
  if not json.is_array(body.content) or #body.content == 0 then
    return reply.detail(400, "content must be a non-empty list")
  end
  -- The id may be a start task's; it may even be nobody's: the service queues it all the same.
  local job = model:job_of_task(identifiers.uuid(id)) or model:job(identifiers.uuid(id))
  local key = job and job.id or id
  local waiting = (model.pending[key] or 0) + 1
  if waiting > 10 then return reply.detail(429, "Too many pending messages. Maximum 10 messages per conversation.") end
  model.pending[key] = waiting
  return reply.json(201, { id = model:new_id(), queued = true, position = waiting })
end

return {
  { method = "GET", path = "/api/v1/sandboxes/search", answer = search },
  { method = "GET", path = "/api/v1/sandboxes", answer = some },
  { method = "POST", path = "/api/v1/sandboxes/{id}/pause", answer = pause },
  { method = "POST", path = "/api/v1/sandboxes/{id}/resume", answer = resume },
  { method = "DELETE", path = "/api/v1/sandboxes/{id}", answer = delete },
  { method = "POST", path = "/api/v1/app-conversations/{id}/send-message", answer = send_message },
  { method = "POST", path = "/api/v1/conversations/{id}/pending-messages", answer = queue_message },
}
