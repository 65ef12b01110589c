--- Handles requests for the events of a V1 conversation: search, count, and by id. shared.lua reuses these functions
-- for public conversations.
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local timestamps = require "openhands.simulator.encoding.timestamps"
local uuid = require "openhands.simulator.encoding.uuid"
local validation = require "openhands.simulator.handler.validation"

local M = {}

--- The rules of a search query. Times are compared as text.
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

--- Returns one page of a history. A page id is an offset into all events of the conversation, and kinds are filtered
-- within each page, so a page may be short or empty and still have a next page.
---@param model openhands.simulator.Model
---@param call openhands.simulator.Call
---@param history? openhands.simulator.History
---@param query table parsed by `filter`
---@return openhands.simulator.Response
function M.search(model, call, history, query)
  local behavior, own = model.options.event_pages, query.page_id
  local offset = tonumber((own or "0"):match("^%d+$")) --[[@as integer?]]
  if not offset then
    return responses.crash()
  end
  local items, count = {}, history and history:count() or 0
  local cursor = paging.cursor(model, call, behavior, own)
  if cursor.blank then
    return responses.raw(200, "application/json", page_text(items, cursor.blank))
  end
  local first, last = 1, 0
  if history then
    first, last = history:between(query.timestamp__gte, query.timestamp__lt)
  end
  local descending = query.sort_order == "TIMESTAMP_DESC"
  if descending then
    first, last = count + 1 - last, count + 1 - first
  end
  local from = math.max(offset + 1, first)
  local to = math.min(from + query.limit - 1, last)
  for position = from, to do
    local index = descending and count + 1 - position or position
    if not query.kind__eq or history:kind(index) == query.kind__eq then
      items[#items + 1] = history:text(index)
    end
  end
  local following = cursor.following(to < last and from <= to and to or nil, query.limit)
  return responses.raw(200, "application/json", page_text(items, following and ("%d"):format(following)))
end

--- Returns the number of events, as a bare number.
---@param history? openhands.simulator.History
---@param query table
---@return openhands.simulator.Response
function M.count(history, query)
  if not history then
    return responses.json(200, 0)
  end
  local first, last = history:between(query.timestamp__gte, query.timestamp__lt)
  return responses.json(200, history:count_of(query.kind__eq, first, last))
end

-- Returns the time from which on events are hidden: the service shows them `event_lag` seconds later than the agent
-- server. Returns nil if none are.
local function hidden_from(model)
  local lag = model.options.event_lag
  return lag > 0 and timestamps.naive(model:now() - lag) or nil
end

--- Returns the number of events that the service shows: all but the newest, with the option `event_lag`.
---@param model openhands.simulator.Model
---@param history openhands.simulator.History
---@return integer
function M.shown(model, history)
  local _, last = history:between(nil, hidden_from(model))
  return last
end

--- Returns one event as JSON; `null` if there is none.
---@param model openhands.simulator.Model
---@param history? openhands.simulator.History
---@param id string
---@return string
function M.text(model, history, id)
  local index = history and history:find(id)
  return history and index and index <= M.shown(model, history) and history:text(index) or "null"
end

--- Returns events by their ids: one entry for each id, null for an unknown one.
---@param model openhands.simulator.Model
---@param call openhands.simulator.Call
---@param history? openhands.simulator.History
---@return openhands.simulator.Response
function M.some(model, call, history)
  local asked = call.query.id
  if not asked then
    return responses.missing("query", "id")
  end
  if #asked > 100 then
    return responses.detail(400, ("Cannot request more than 100 events at once, got %d"):format(#asked))
  end
  local entries = {}
  for position, id in ipairs(asked) do
    entries[position] = M.text(model, history, id)
  end
  return responses.raw(200, "application/json", "[" .. table.concat(entries, ",") .. "]")
end

-- Returns the history of a conversation; nil for an unknown conversation, which the handlers treat as an empty history.
local function history_of(model, id)
  local conversation = model:find(uuid.parse(id))
  return conversation and conversation.history
end

--- Hides the newest events from a search, with the option `event_lag`.
---@param model openhands.simulator.Model
---@param query table parsed by `filter`; times as in events. Changed in place
function M.apply_lag(model, query)
  local hidden, bound = hidden_from(model), query.timestamp__lt
  if hidden and not (bound and bound < hidden) then
    query.timestamp__lt = hidden
  end
end

-- Wraps a handler so that it gets the history of the conversation. Checks the query and the id first.
local function of_conversation(handler)
  return validation.with_query(M.filter, function(model, call, query, id)
    if not uuid.parse(id) then
      return responses.crash()
    end
    M.apply_lag(model, query)
    return handler(model, call, history_of(model, id), query)
  end)
end

local function some(model, call, id)
  if call.query.id and not uuid.parse(id) then
    return responses.crash()
  end
  return M.some(model, call, history_of(model, id))
end

local path = "/api/v1/conversation/{id}/events"

M.routes = {
  { method = "GET", path = path .. "/search", handler = of_conversation(M.search) },
  { method = "GET", path = path .. "/count",
    handler = of_conversation(function(_, _, history, query) return M.count(history, query) end) },
  { method = "GET", path = path, handler = some },
}

return M
