--- Handles requests for public conversations and their events. Needs no credential.
local responses = require "openhands.simulator.http.responses"
local timestamps = require "openhands.simulator.encoding.timestamps"
local uuid = require "openhands.simulator.encoding.uuid"
local v1_events = require "openhands.simulator.v1.events"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.v1.views"

local function public(model, id)
  local conversation = model:find_visible(id)
  return conversation and conversation.request.public == true and conversation or nil
end

local shown = { "id", "created_by_user_id", "sandbox_id", "selected_repository", "selected_branch", "git_provider",
  "title", "pr_number", "llm_model", "metrics", "parent_conversation_id", "sub_conversation_ids", "created_at",
  "updated_at" }

local ids = { ids = { kind = "text", list = true, required = true } }

local function conversations(model, call, query)
  if #query.ids > 100 then
    return responses.detail(400, ("Cannot request more than 100 conversations at once, got %d"):format(#query.ids))
  end
  return responses.batch(query.ids, function(id)
    local conversation = public(model, id)
    if not conversation then
      return nil
    end
    local all, view = views.conversation(model, conversation, call.address), {}
    for _, name in ipairs(shown) do
      view[name] = all[name]
    end
    return view
  end)
end

local filter = { conversation_id = { kind = "text", required = true } }
for name, rule in pairs(v1_events.filter) do
  filter[name] = rule
end
filter.timestamp__gte, filter.timestamp__lt = { kind = "datetime" }, { kind = "datetime" }

-- Wraps a handler so that it gets the history. Checks the query first. Unlike events.lua, parses the times in the
-- query, so that a zone is respected.
local function of_conversation(rules, handler)
  return validation.with_query(rules, function(model, call, query)
    if not uuid.parse(query.conversation_id) then
      return responses.crash()
    end
    for _, name in ipairs { "timestamp__gte", "timestamp__lt" } do
      query[name] = query[name] and timestamps.naive(query[name])
    end
    v1_events.apply_lag(model, query)
    local conversation = public(model, query.conversation_id)
    return handler(model, call, conversation and conversation.history, query)
  end)
end

local function one(model, _, conversation_id, event_id)
  local conversation = public(model, conversation_id)
  local history = conversation and conversation.history
  return responses.raw(200, "application/json", v1_events.text(model, history, event_id))
end

local path = "/api/shared-events"

return {
  { method = "GET", path = "/api/shared-conversations", open = true,
    handler = validation.with_query(ids, conversations) },
  { method = "GET", path = path .. "/search", handler = of_conversation(filter, v1_events.search), open = true },
  { method = "GET", path = path .. "/count", open = true,
    handler = of_conversation(filter, function(_, _, history, query) return v1_events.count(history, query) end) },
  { method = "GET", path = path, open = true, handler = of_conversation(
    { conversation_id = filter.conversation_id },
    function(model, call, history) return v1_events.some(model, call, history) end) },
  { method = "GET", path = path .. "/{conversation_id}/{event_id}", handler = one, open = true },
}
