--- Handles V1 conversations: status by ids, search, count, update, delete.
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local uuid = require "openhands.simulator.encoding.uuid"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local change_body = { kind = "object", fields = {
  title = schemas.maybe_text, public = schemas.maybe_boolean, selected_repository = schemas.maybe_text,
  selected_branch = schemas.maybe_text, git_provider = schemas.maybe_provider,
} }

local function some(model, call)
  local asked = call.query.ids
  if not asked then
    return responses.missing("query", "ids")
  end
  for _, id in ipairs(asked) do
    if not uuid.parse(id) then
      return responses.detail(400, ("Invalid UUID format for ids: ['%s']"):format(id))
    end
  end
  if #asked > 99 then
    return responses.detail(400, "Too many ids requested. Maximum is 99.")
  end
  return responses.batch(asked, function(id)
    local conversation = model:find_visible(id)
    return conversation and views.conversation(model, conversation, call.address)
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
  return lists.select(model:conversations(), function(conversation)
    return model:find_visible(conversation.id)
      and (not query.title__contains or conversation.title:find(query.title__contains, 1, true))
      and (not query.sandbox_id__eq or conversation.sandbox_id == query.sandbox_id__eq)
      and within(conversation.ready_at, query.created_at__gte, query.created_at__lt)
      and within(conversation.updated_at, query.updated_at__gte, query.updated_at__lt)
  end)
end

local function search(model, call, query)
  local found = paging.sort(matching(model, query), "created_at", true)
  return paging.page(model, call, found, query, function(conversation)
    return views.conversation(model, conversation, call.address)
  end)
end

local function count(model, _, query)
  return responses.json(200, #matching(model, query))
end

local function update(model, call, id)
  if not uuid.parse(id) then
    return responses.crash()
  end
  local body, refusal = validation.body(call, change_body)
  if not body then
    return refusal
  end
  local conversation = model:find_visible(id)
  if not conversation then
    return responses.detail(404, "unknown_app_conversation")
  end
  for name in pairs(change_body.fields) do
    if body[name] ~= nil then
      if name == "title" then
        conversation.title = body.title
      else
        conversation.request[name] = body[name]
      end
    end
  end
  return responses.json(200, views.conversation(model, conversation, call.address))
end

local function delete(model, _, id)
  if not uuid.parse(id) then
    return responses.detail(400, "Invalid conversation ID format")
  end
  local conversation = model:find_visible(id)
  if not conversation then
    return responses.detail(404, "Conversation not found")
  end
  model:pause(conversation)
  conversation.sandbox_status, conversation.deleted = "MISSING", true
  return responses.json(200, { success = true })
end

local path = "/api/v1/app-conversations"

return {
  { method = "GET", path = path, handler = some },
  { method = "GET", path = path .. "/search", handler = validation.with_query(filter, search) },
  { method = "GET", path = path .. "/count", handler = validation.with_query(filter, count) },
  { method = "PATCH", path = path .. "/{id}", handler = update },
  { method = "DELETE", path = path .. "/{id}", handler = delete },
}
