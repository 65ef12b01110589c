--- Handles requests to the agent server about the events of a conversation. Unlike the service, the agent server uses
-- event ids as page ids, and omits null fields.
local agent_paging = require "openhands.simulator.agent.paging"
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.agent.views"

local with_conversation, with_body = views.with_conversation, validation.with_body

local filter = {
  kind = { kind = "text" }, source = { kind = "text" }, body = { kind = "text" },
  timestamp__gte = { kind = "datetime" }, timestamp__lt = { kind = "datetime" },
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

-- Returns an event as JSON without null fields. The patterns match no text inside strings, where each quote follows a
-- backslash.
local function text_of(history, index)
  return (history:text(index):gsub(',"[A-Za-z0-9_]+":null', ""):gsub('{"[A-Za-z0-9_]+":null,?', "{"))
end

-- Returns the searchable texts of an event, in lower case.
local function words_of(event)
  return ascii.lower(table.concat({
    schemas.text_of(event.llm_message and event.llm_message.content), schemas.text_of(event.thought),
    schemas.text_of(event.observation and event.observation.content), event.detail or "",
  }, "\n"))
end

-- Returns the kind that a query asks for. If the query has the path of a class, that is the name after its last dot.
local function kind_of(query)
  return query.kind and query.kind:match("[^.]*$")
end

local function passes(history, index, query)
  if query.kind and history:kind(index) ~= kind_of(query) then
    return false
  end
  if not query.source and not query.body then
    return true
  end
  local event = json.decode(history:text(index))
  return (not query.source or event.source == query.source)
    and (not query.body or words_of(event):find(ascii.lower(query.body), 1, true) ~= nil)
end

local function between(history, query)
  local from, before = query.timestamp__gte, query.timestamp__lt
  return history:between(from and timestamps.naive(from), before and timestamps.naive(before))
end

local function search(_, call, conversation)
  local query, refusal = agent_paging.query(call, filter)
  if not query then
    return refusal
  end
  local history, items, following = conversation.history, {}, "null"
  local first, last = between(history, query)
  local start, stop, step = first, last, 1
  if query.sort_order == "TIMESTAMP_DESC" then
    start, stop, step = last, first, -1
  end
  for index = query.page_id and history:find(query.page_id) or start, stop, step do
    if passes(history, index, query) then
      if #items == query.limit then
        following = '"' .. history:id(index) .. '"'
        break
      end
      items[#items + 1] = text_of(history, index)
    end
  end
  return responses.raw(200, "application/json",
    ('{"items":[%s],"next_page_id":%s}'):format(table.concat(items, ","), following))
end

local function count(_, call, conversation)
  local query, refusal = agent_paging.query(call, filter)
  if not query then
    return refusal
  end
  local first, last = between(conversation.history, query)
  if not query.source and not query.body then
    return responses.json(200, conversation.history:count_of(kind_of(query), first, last))
  end
  local found = 0
  for index = first, last do
    if passes(conversation.history, index, query) then
      found = found + 1
    end
  end
  return responses.json(200, found)
end

local function one(_, _, conversation, event_id)
  local index = conversation.history:find(event_id)
  if not index then
    return responses.detail(404, "Not Found")
  end
  return responses.raw(200, "application/json", text_of(conversation.history, index))
end

local message_body = { kind = "object", fields = {
  role = { kind = "enum", values = { "user", "system", "assistant", "tool" } }, run = { kind = "boolean" },
  content = schemas.blocks,
} }

-- Unlike on the service, `run` defaults to false: a message alone does not resume the agent.
local function send(model, _, conversation, body)
  model:emit(conversation, "message", schemas.text_of(body.content))
  if body.run and conversation.execution_status ~= "running" then
    views.resume(model, conversation)
  end
  return responses.json(200, { success = true })
end

local path = "/api/conversations/{id}/events"

return {
  { method = "GET", path = path .. "/search", handler = with_conversation(search) },
  { method = "GET", path = path .. "/count", handler = with_conversation(count) },
  { method = "GET", path = path .. "/{event_id}", handler = with_conversation(one) },
  { method = "POST", path = path, handler = with_conversation(with_body(message_body, send)) },
}
