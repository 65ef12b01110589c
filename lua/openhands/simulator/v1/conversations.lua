--- The conversations of V1: how they stand, lists of them, their changes and their end.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local array = json.array

local change_body = { kind = "object", fields = {
  title = schemas.maybe_text, public = schemas.maybe_boolean, selected_repository = schemas.maybe_text,
  selected_branch = schemas.maybe_text, git_provider = schemas.maybe_provider,
} }

local function some(model, call)
  local asked = call.query.ids
  if not asked then
    return reply.detail(422, array(select(2, validation.query({}, { ids = schemas.ids }))))
  end
  for _, id in ipairs(asked) do
    if not identifiers.uuid(id) then
      return reply.detail(400, ("Invalid UUID format for ids: ['%s']"):format(id))
    end
  end
  if #asked > 99 then return reply.detail(400, "Too many ids requested. Maximum is 99.") end
  return reply.batch(asked, function(id)
    local job = model:conversation(id)
    return job and views.conversation(model, job, call.address)
  end)
end

local filter = {
  title__contains = { kind = "text" }, sandbox_id__eq = { kind = "text" },
  page_id = schemas.page_id, limit = schemas.limit,
  created_at__gte = { kind = "datetime" }, created_at__lt = { kind = "datetime" },
  updated_at__gte = { kind = "datetime" }, updated_at__lt = { kind = "datetime" },
}

local function matching(model, query)
  local function within(seconds, least, below)
    local at = model.options.epoch + seconds
    return (not least or at >= least) and (not below or at < below)
  end
  return paging.select(model:all_jobs(), function(job)
    return model:conversation(job.id)
      and (not query.title__contains or job.title:find(query.title__contains, 1, true))
      and (not query.sandbox_id__eq or job.sandbox_id == query.sandbox_id__eq)
      and within(job.ready_at, query.created_at__gte, query.created_at__lt)
      and within(job.updated_at, query.updated_at__gte, query.updated_at__lt)
  end)
end

local function search(model, call, query)
  local found = paging.sort(matching(model, query), "created_at", true)
  return paging.answer(model, call, found, query, function(job) return views.conversation(model, job, call.address) end)
end

local function count(model, _, query)
  return reply.json(200, #matching(model, query))
end

local function change(model, call, id)
  if not identifiers.uuid(id) then return reply.crash() end
  local body, errors = validation.body(call, change_body)
  if not body then return reply.detail(422, array(errors)) end
  local job = model:conversation(id)
  if not job then return reply.detail(404, "unknown_app_conversation") end
  for name in pairs(change_body.fields) do
    if body[name] ~= nil then
      if name == "title" then job.title = body.title else job.request[name] = body[name] end
    end
  end
  return reply.json(200, views.conversation(model, job, call.address))
end

local function delete(model, _, id)
  if not identifiers.uuid(id) then return reply.detail(400, "Invalid conversation ID format") end
  local job = model:conversation(id)
  if not job then return reply.detail(404, "Conversation not found") end
  model:pause_job(job)
  job.sandbox_status, job.deleted = "MISSING", true
  return reply.json(200, { success = true })
end

local path = "/api/v1/app-conversations"

return {
  { method = "GET", path = path, answer = some },
  { method = "GET", path = path .. "/search", answer = validation.with_query(filter, search) },
  { method = "GET", path = path .. "/count", answer = validation.with_query(filter, count) },
  { method = "PATCH", path = path .. "/{id}", answer = change },
  { method = "DELETE", path = path .. "/{id}", answer = delete },
}
