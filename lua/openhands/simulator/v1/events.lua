--- The events of a V1 conversation: searched, counted, and fetched by id. What they have in common with the events of a
-- public conversation (v1_shared.lua) is offered to it.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local paging = require "openhands.simulator.handler.paging"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"

local M = {}

local array = json.array

--- The query of a search; times are text.
M.filter = {
  kind__eq = { kind = "enum", values = { "ServerErrorEvent", "ACPToolCallEvent", "Condensation", "CondensationRequest",
    "CondensationSummaryEvent", "ConversationErrorEvent", "ConversationStateUpdateEvent", "HookExecutionEvent",
    "LLMCompletionLogEvent", "ActionEvent", "MessageEvent", "AgentErrorEvent", "ObservationEvent",
    "UserRejectObservation", "SystemPromptEvent", "StreamingDeltaEvent", "TokenEvent", "InterruptEvent",
    "PauseEvent" } },
  timestamp__gte = { kind = "text" }, timestamp__lt = { kind = "text" },
  page_id = schemas.page_id, limit = schemas.limit,
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

local function page_text(items, next_page_id)
  return ('{"items":[%s],"next_page_id":%s}'):format(table.concat(items, ","),
    next_page_id and '"' .. next_page_id .. '"' or "null")
end

--- One page of a history. The page id is an offset into all that is stored; kinds are filtered while scanning, so that
-- a page may be short or empty and still have a next one.
---@param model openhands.simulator.Model
---@param call table
---@param history? openhands.simulator.History
---@param query table as `filter` reads it
function M.search(model, call, history, query)
  local manner, own = model.options.event_pages, query.page_id
  local offset = tonumber((own or "0"):match("^%d+$")) --[[@as integer?]]
  if not offset then return reply.crash() end
  local items, count = {}, history and history:count() or 0
  local cursor = paging.cursor(model, call, manner, own)
  if cursor.blank then return reply.raw(200, "application/json", page_text(items, cursor.blank)) end
  local first, last = 1, 0
  if history then first, last = history:between(query.timestamp__gte, query.timestamp__lt) end
  local descending = query.sort_order == "TIMESTAMP_DESC"
  if descending then first, last = count + 1 - last, count + 1 - first end
  local from = math.max(offset + 1, first)
  local to = math.min(from + query.limit - 1, last)
  for position = from, to do
    local index = descending and count + 1 - position or position
    if not query.kind__eq or history:kind(index) == query.kind__eq then items[#items + 1] = history:text(index) end
  end
  local following = cursor.following(to < last and from <= to and to or nil, query.limit)
  return reply.raw(200, "application/json", page_text(items, following and ("%d"):format(following)))
end

--- How many events there are, as a bare number.
---@param history? openhands.simulator.History
---@param query table
function M.count(history, query)
  if not history then return reply.json(200, 0) end
  return reply.json(200, history:count_of(query.kind__eq, history:between(query.timestamp__gte, query.timestamp__lt)))
end

--- One event as JSON.
---@param history? openhands.simulator.History
---@param id string
---@return string
function M.text(history, id)
  local index = history and history:find(id)
  return index and history:text(index) or "null"
end

--- Events by their ids: one entry each, null where there is none.
---@param call table
---@param history? openhands.simulator.History
function M.some(call, history)
  local asked = call.query.id
  if not asked then
    return reply.detail(422, array(select(2, validation.query({}, { id = { kind = "text", required = true } }))))
  end
  if #asked > 100 then
    return reply.detail(400, ("Cannot request more than 100 events at once, got %d"):format(#asked))
  end
  local entries = {}
  for position, id in ipairs(asked) do entries[position] = M.text(history, id) end
  return reply.raw(200, "application/json", "[" .. table.concat(entries, ",") .. "]")
end

-- The prefix of an unknown conversation is simply empty.
local function history_of(model, id)
  local job = model:job(identifiers.uuid(id))
  return job and job.history
end

-- The service gets to know of events some time after the agent server.
local function show_late(model, query)
  local lag, bound = model.options.event_lag, query.timestamp__lt
  local shown = lag > 0 and timestamps.naive(model:now() - lag)
  if shown and not (bound and bound < shown) then query.timestamp__lt = shown end
end

-- Reads the query and the id of a conversation, and answers.
local function of_conversation(answer)
  return validation.with_query(M.filter, function(model, call, query, id)
    if not identifiers.uuid(id) then return reply.crash() end
    show_late(model, query)
    return answer(model, call, history_of(model, id), query)
  end)
end

local function some(model, call, id)
  if call.query.id and not identifiers.uuid(id) then return reply.crash() end
  return M.some(call, history_of(model, id))
end

local path = "/api/v1/conversation/{id}/events"

M.routes = {
  { method = "GET", path = path .. "/search", answer = of_conversation(M.search) },
  { method = "GET", path = path .. "/count",
    answer = of_conversation(function(_, _, history, query) return M.count(history, query) end) },
  { method = "GET", path = path, answer = some },
}

return M
