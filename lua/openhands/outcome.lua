--- What a conversation's events tell: its final answer, or why it failed.

local errors = require "openhands.errors"
local page_size = require "openhands.page_size"
local runtime = require "openhands.runtime"

local M = {}

local MOST_PAGES = 5 -- of the newest events, a hundred each
local MOST_SMALL_PAGES = 20 -- where a hundred are too large to be read

local function joined_text(content)
  local parts = {}
  for _, block in ipairs(type(content) == "table" and content or {}) do
    if type(block) == "table" and type(block.text) == "string" then
      parts[#parts + 1] = block.text
    end
  end
  return table.concat(parts, "\n")
end

local function message_of(event)
  local message = event.llm_message
  if type(message) == "table" then
    return joined_text(message.content)
  end
end

local function finish_of(event)
  local action = event.action
  if event.kind == "ActionEvent" and type(action) == "table" and action.kind == "FinishAction" then
    return type(action.message) == "string" and action.message or ""
  end
end

local function failure_of(event)
  if event.kind == "ConversationErrorEvent" or event.kind == "ServerErrorEvent" then
    return type(event.detail) == "string" and event.detail or type(event.code) == "string" and event.code or nil
  elseif event.kind == "AgentErrorEvent" then
    return type(event.error) == "string" and event.error or nil
  end
end

-- Its prompt is of the agent's too, and is there before it does anything.
local function is_work(event)
  return event.source == "agent" and event.kind ~= "SystemPromptEvent"
end

--- Reads a page of events, newest first, into `found`; true when nothing older can matter.
local function scan(items, found)
  for _, event in ipairs(items) do
    if type(event) == "table" then
      found.failure = found.failure or failure_of(event)
      found.finish = found.finish or finish_of(event)
      found.agent_acted = found.agent_acted or is_work(event)
      if event.kind == "MessageEvent" and event.source == "agent" then
        found.message = found.message or message_of(event)
      elseif event.kind == "MessageEvent" and event.source == "user" then
        return true -- the question: what is older answers another one
      end
      if found.finish then
        return true
      end
    end
  end
  return false
end

local function unreadable(list)
  return errors.new {
    kind = "protocol",
    operation = "events",
    message = ("events: the answer has no list '%s'; check base_url and api"):format(list),
  }
end

-- The id of the page behind one whose only event is too large: these ids are places in the list, from 0.
local function behind(page_id)
  return (page_id == nil or page_id:find "^%d+$") and ("%.0f"):format((tonumber(page_id) or 0) + 1) or nil
end

local function ending_v1(client, id, call)
  local found, pages, memory = { requests = 0 }, 0, client:_remember(id)
  local fields = { conversation_id = id, sort_order = "TIMESTAMP_DESC", limit = 100 }
  while pages < (memory.page_size and MOST_SMALL_PAGES or MOST_PAGES) do
    local page, err, requests = page_size.ask(fields, memory, function()
      return client:_read("events", fields, call, "v1")
    end)
    pages, found.requests = pages + 1, found.requests + requests
    local following
    if not page then
      following = err.kind == "too_large" and behind(fields.page_id)
      if not following then
        return nil, err
      elseif not found.message then
        found.too_large = err
      end
    elseif type(page.items) ~= "table" then
      return nil, unreadable "items"
    elseif not scan(page.items, found) then
      following = page.next_page_id -- a page may be empty and still have a next one
    end
    if type(following) ~= "string" or following == fields.page_id then
      break
    end
    fields.page_id = following
  end
  return found
end

-- ---- V0 ----------------------------------------------------------------------------------------------------------

local NEWEST_V0 = 20 -- events; what ends a turn is told last
local CROWDED_OUT = "AGENT_ERROR$TOO_MANY_CONVERSATIONS"

-- What the agent's side says of itself without having worked.
local idle_actions = { system = true, change_agent_state = true, recall = true }

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function fields_of(event, name)
  return type(event[name]) == "table" and event[name] or {}
end

local function final_words_of(event)
  local arguments = fields_of(event, "args")
  if event.action == "finish" then
    return text(arguments.final_thought) or text(fields_of(arguments, "outputs").content) or text(event.message)
  elseif event.action == "message" and event.source == "agent" then
    return text(arguments.content) or text(event.message)
  end
end

local function refusal_of(event)
  local state = fields_of(event, "extras").agent_state
  if event.action == "reject" then
    local arguments = fields_of(event, "args")
    return text(fields_of(arguments, "outputs").reason) or text(event.message)
  elseif event.observation == "error" then
    return text(event.content) or text(event.message)
  elseif event.observation == "agent_state_changed" and (state == "error" or state == "rejected") then
    return text(fields_of(event, "extras").reason) or text(event.content) or text(event.message)
  end
end

local function tells_of_crowding(event)
  for _, fields in ipairs { event, fields_of(event, "extras") } do
    for _, value in pairs(fields) do
      if type(value) == "string" and value:find(CROWDED_OUT, 1, true) then
        return true
      end
    end
  end
  return false
end

-- One event, newest first; true when nothing older can matter.
local function note_v0(event, found)
  if event.action == "message" and event.source == "user" then
    found.unread = found.agent_state == nil -- said after the agent's last change of state: it goes on
    return true
  end
  local has_stopped = found.agent_state == nil or found.agent_state == "stopped"
  if has_stopped and tells_of_crowding(event) then
    found.crowded_out = CROWDED_OUT .. ": the service closed it, because too many conversations ran at once"
  end
  found.failure = found.failure or refusal_of(event)
  found.answer = found.answer or final_words_of(event)
  if event.observation == "agent_state_changed" then
    local state = text(fields_of(event, "extras").agent_state)
    found.agent_acted = found.agent_acted or state == "running"
    found.agent_state = found.agent_state or state
  elseif event.source == "agent" and event.action ~= nil and not idle_actions[event.action] then
    found.agent_acted = true
  end
  return false
end

local function ending_v0(client, id, call)
  local newest = { conversation_id = id, reverse = true, limit = NEWEST_V0 }
  local found, seen, memory = { requests = 0 }, 0, client:_remember(id)
  repeat
    local page, err, requests = page_size.ask(newest, memory, function()
      return client:_read("events", newest, call, "v0", runtime.last_way(memory))
    end)
    found.requests = found.requests + requests
    if not page and not (err.kind == "too_large" and seen > 0) then
      return nil, err
    elseif page and type(page.events) ~= "table" then
      return nil, unreadable "events"
    end
    local events = page and page.events or {}
    for _, event in ipairs(events) do
      if type(event) == "table" and note_v0(event, found) then
        return found
      end
    end
    local last = events[#events]
    local number = type(last) == "table" and type(last.id) == "number" and last.id
    seen = seen + #events
    newest.end_id = number and number - 1
    -- All of them come with the first page, unless they are too large for that.
  until not (number and memory.page_size and page.has_more == true and seen < NEWEST_V0)
  return found
end

--- The end of a conversation's latest turn, as its newest events tell it.
---@class openhands.Ending
---@field answer string? the agent's last words
---@field failure string? why it failed
---@field agent_acted boolean? the agent has worked since it was last spoken to
---@field agent_state string? V0: the last state that the agent reported
---@field unread boolean? V0: somebody has spoken since
---@field crowded_out string? V0: the service closed it for want of room
---@field too_large openhands.Error? V1: why an event could not be read that may be the answer
---@field requests integer that it took to find out

---@param client openhands.Client
---@param id string
---@param call table
---@param api "v0"|"v1"
---@return openhands.Ending? ending, openhands.Error?
function M.ending(client, id, call, api)
  if api == "v0" then
    return ending_v0(client, id, call)
  end
  local found, err = ending_v1(client, id, call)
  if found then
    found.answer = found.finish or not found.too_large and found.message or nil
  end
  return found, err
end

return M
