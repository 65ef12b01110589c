--- The agent server's events of a conversation. Unlike the service, it pages by event id and leaves out null fields.
local agent_paging = require "openhands.simulator.agent.paging"
local agent_view = require "openhands.simulator.agent.views"
local ascii = require "openhands.ascii"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local schemas = require "openhands.simulator.v1.schemas"
local timestamps = require "openhands.simulator.encoding.timestamps"

local with_conversation, with_body = agent_view.with_conversation, agent_view.with_body

local filter = {
  kind = { kind = "text" }, source = { kind = "text" }, body = { kind = "text" },
  timestamp__gte = { kind = "datetime" }, timestamp__lt = { kind = "datetime" },
  sort_order = { kind = "enum", default = "TIMESTAMP", values = { "TIMESTAMP", "TIMESTAMP_DESC" } },
}

-- An event as JSON. Inside of a string no quote stands without its backslash, so what these patterns find are fields.
local function text_of(history, index)
  return (history:text(index):gsub(',"[A-Za-z0-9_]+":null', ""):gsub('{"[A-Za-z0-9_]+":null,?', "{"))
end

-- Everything in an event that somebody may have written or read.
local function words_of(event)
  return ascii.lower(table.concat({
    schemas.text_of(event.llm_message and event.llm_message.content), schemas.text_of(event.thought),
    schemas.text_of(event.observation and event.observation.content), event.detail or "",
  }, "\n"))
end

-- A kind may be given by the path of its class.
local function kind_of(query)
  return query.kind and query.kind:match("[^.]*$")
end

local function passes(history, index, query)
  if query.kind and history:kind(index) ~= kind_of(query) then return false end
  if not query.source and not query.body then return true end
  local event = json.decode(history:text(index))
  return (not query.source or event.source == query.source)
    and (not query.body or words_of(event):find(ascii.lower(query.body), 1, true) ~= nil)
end

local function between(history, query)
  local from, before = query.timestamp__gte, query.timestamp__lt
  return history:between(from and timestamps.naive(from), before and timestamps.naive(before))
end

local function search(_, call, job)
  local query, refusal = agent_paging.query(call, filter)
  if not query then return refusal end
  local history, items, following = job.history, {}, "null"
  local first, last = between(history, query)
  local start, stop, step = first, last, 1
  if query.sort_order == "TIMESTAMP_DESC" then start, stop, step = last, first, -1 end
  for index = query.page_id and history:find(query.page_id) or start, stop, step do
    if passes(history, index, query) then
      if #items == query.limit then
        following = '"' .. history:id(index) .. '"'
        break
      end
      items[#items + 1] = text_of(history, index)
    end
  end
  return reply.raw(200, "application/json",
    ('{"items":[%s],"next_page_id":%s}'):format(table.concat(items, ","), following))
end

local function count(_, call, job)
  local query, refusal = agent_paging.query(call, filter)
  if not query then return refusal end
  local first, last = between(job.history, query)
  if not query.source and not query.body then
    return reply.json(200, job.history:count_of(kind_of(query), first, last))
  end
  local found = 0
  for index = first, last do
    if passes(job.history, index, query) then found = found + 1 end
  end
  return reply.json(200, found)
end

local function one(_, _, job, event_id)
  local index = job.history:find(event_id)
  if not index then return reply.detail(404, "Not Found") end
  return reply.raw(200, "application/json", text_of(job.history, index))
end

local message_body = { kind = "object", fields = {
  role = { kind = "enum", values = { "user", "system", "assistant", "tool" } }, run = { kind = "boolean" },
  content = schemas.blocks,
} }

-- Here, other than on the service, a message alone lets nobody work: `run` is false unless it is said.
local function send(model, _, job, body)
  model:tell(job, "message", schemas.text_of(body.content))
  if body.run and job.execution_status ~= "running" then agent_view.go_on(model, job) end
  return reply.json(200, { success = true })
end

local path = "/api/conversations/{id}/events"

return {
  { method = "GET", path = path .. "/search", answer = with_conversation(search) },
  { method = "GET", path = path .. "/count", answer = with_conversation(count) },
  { method = "GET", path = path .. "/{event_id}", answer = with_conversation(one) },
  { method = "POST", path = path, answer = with_conversation(with_body(message_body, send)) },
}
