--- Reads the result of the agent's latest turn from a conversation's newest events: its answer, or why it failed.
---
--- V1's service learns of events some time after they happened (half a minute, in practice); the conversation's own
--- server has them at once.

local ascii = require "openhands.ascii"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local servers = require "openhands.conversation.server"

--- The result of the agent's latest turn, from the newest events.
---@class openhands.Result
---@field answer string? the agent's last message
---@field failure string? why it failed
---@field classification openhands.FailureClass? V1: the agent server's own classification of the failure
---@field agent_acted boolean? the agent has worked since the latest message to it
---@field agent_state string? V0: the last state that the agent reported
---@field state_before string? V0: the last state that the agent reported, other than "stopped"
---@field has_new_message boolean? V0: a message came after the agent's last state
---@field closed_by_limit string? V0: says that the service closed it because too many conversations ran
---@field too_large openhands.Error? V1: error of an event that may be the answer, but is too large to be read
---@field execution string? V1: the last execution status that the agent reported since the latest message
---@field question_id string? V1: event id of the latest message to the agent
---@field question_text string? V1: the text of that message
---@field finish_message string? V1: the agent's words when it finished
---@field last_message string? V1: the text of the agent's last message
---@field step_error string? V1: an error in one step, which the agent may have recovered from
---@field from_own_server boolean? V1: read from the conversation's own server, which has every event

local M = {}

local MOST_PAGES = 5 -- limit of pages that are read; a page has a hundred events
local MOST_SMALL_PAGES = 20 -- the same, if a hundred events are too large to be read at once
local OWN_SERVER_TIMEOUT = 5 -- seconds
local FIRST_PAUSE, LONGEST_PAUSE = 60, 960 -- seconds for which no own server is asked after one was not reached

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- ---- V1 ----------------------------------------------------------------------------------------------------------

local function joined_text(content)
  local parts = {}
  for _, block in ipairs(type(content) == "table" and content or {}) do
    if type(block) == "table" and type(block.text) == "string" then
      parts[#parts + 1] = block.text
    end
  end
  return table.concat(parts, "\n")
end

--- Returns the text of a message as its event will contain it.
---@param content string|table[]
---@return string
function M.text_of(content)
  return type(content) == "string" and content or joined_text(content)
end

local function text_of_message(event)
  local message = event.llm_message
  if type(message) == "table" then
    return joined_text(message.content)
  end
end

local function finish_message_of(action)
  if type(action) == "table" and action.kind == "FinishAction" then
    return type(action.message) == "string" and action.message or ""
  end
end

-- Notes a failure. An older event of the same failure may have the classification that the newest lacks.
local function take_failure(event, found)
  local class = event.classification
  local failure = type(event.detail) == "string" and event.detail or type(event.code) == "string" and event.code or nil
  found.failure = found.failure or failure
  if failure and type(class) == "table" and type(class.kind) == "string" then
    found.classification = found.classification or class
  end
end

-- Functions that take facts from an event, by its kind. A fact from a newer event is kept.
local takers = {
  ActionEvent = function(event, found)
    found.finish_message = finish_message_of(event.action)
  end,
  ConversationErrorEvent = take_failure,
  ServerErrorEvent = take_failure,
  AgentErrorEvent = function(event, found)
    found.step_error = found.step_error or type(event.error) == "string" and event.error or nil
  end,
  ConversationStateUpdateEvent = function(event, found)
    if event.key == "execution_status" and type(event.value) == "string" then
      found.execution = found.execution or ascii.lower(event.value)
    end
  end,
  MessageEvent = function(event, found)
    if event.source == "agent" then
      found.last_message = found.last_message or text_of_message(event)
    end
  end,
}

-- Reads a page of events, newest first, into `found`. Returns true if older events cannot change the result.
local function scan(items, found)
  for _, event in ipairs(items) do
    if type(event) == "table" then
      local kind = event.kind
      if kind == "MessageEvent" and event.source == "user" then
        found.question_id, found.question_text = event.id, text_of_message(event)
        return true -- older events belong to the turn before
      elseif not found.finish_message then
        local take = takers[kind]
        if take then
          take(event, found)
        end
        -- The system prompt has the source "agent" too, but it exists before the agent does anything.
        found.agent_acted = found.agent_acted or event.source == "agent" and kind ~= "SystemPromptEvent"
      end
    end
  end
  return found.finish_message ~= nil
end

-- Returns the id of the page after a page whose only event is too large; nil if the id is not a number. The service's
-- page ids are positions in the list, from 0.
local function page_after(page_id)
  return (page_id == nil or page_id:find "^%d+$") and ("%.0f"):format((tonumber(page_id) or 0) + 1) or nil
end

-- Reads the events from the service or, if `route` is given, from the conversation's own server. The page ids of that
-- server are ids of events.
---@return openhands.Result? result
---@return openhands.Error? err
local function read_v1(client, id, call, route)
  local found, pages, memory = { from_own_server = route ~= nil }, 0, client:_remember(id)
  local fields = { conversation_id = id, sort_order = "TIMESTAMP_DESC", limit = 100 }
  local function request()
    return client:_read("events", fields, call, route and "agent" or "v1", route)
  end
  while pages < (memory.page_size and MOST_SMALL_PAGES or MOST_PAGES) do
    local page, err = client:_read_page(fields, memory, request)
    pages = pages + 1
    local following
    if not page then
      following = not route and err.kind == "too_large" and page_after(fields.page_id)
      if not following then
        return nil, err
      end
      found.too_large = found.too_large or err
    elseif type(page.items) ~= "table" then
      return nil, errors.protocol("events", "the answer has no list 'items'")
    elseif not scan(page.items, found) then
      following = page.next_page_id -- a page may be empty and still have a next one
    end
    if type(following) ~= "string" or following == fields.page_id then
      break
    end
    fields.page_id = following
  end
  found.answer = found.finish_message or not found.too_large and found.last_message or nil
  found.failure = found.failure or found.step_error
  return found
end

local unreached = { connect = true, timeout = true, tls = true }

-- Reads from the conversation's own server. If it cannot be reached, no own server is asked for some time, because
-- a failed attempt takes long.
---@return openhands.Result? result
local function read_from_own_server(client, id, call)
  local route, now = servers.last_route(client:_remember(id)), client._loop.now()
  if not route or now < (client._own_servers_after or now) then
    return nil
  end
  local quick = client:_fresh(call, math.min(call.deadline_at, now + OWN_SERVER_TIMEOUT))
  quick.retries = 0
  local found, err = read_v1(client, identifiers.with_dashes(id), quick, route)
  if err and unreached[err.kind] and not err.is_untried then
    client._own_servers_pause = math.min(LONGEST_PAUSE, 2 * (client._own_servers_pause or FIRST_PAUSE / 2))
    client._own_servers_after = client._loop.now() + client._own_servers_pause
  elseif found then
    client._own_servers_after, client._own_servers_pause = nil, nil
  end
  return found
end

-- Returns the result from the service or from the conversation's own server. After a further message, the service may
-- still show the result of the turn before: then the own server is read first.
local function result_v1(client, id, call, wanted)
  local own_first = client:_remember(id).has_sent_message
  local found = own_first and read_from_own_server(client, id, call)
  if found then
    return found
  end
  local err
  found, err = read_v1(client, id, call)
  local value = found and wanted and found[wanted]
  local is_lacking = wanted and (not value or wanted == "failure" and value == found.step_error)
  local own = is_lacking and not own_first and read_from_own_server(client, id, call)
  if own then
    return own
  end
  return found, err
end

-- ---- V0 ----------------------------------------------------------------------------------------------------------

local NEWEST_V0 = 20 -- number of newest events that are read; the end of a turn is among them
local LIMIT_CODE = "AGENT_ERROR$TOO_MANY_CONVERSATIONS"

-- Actions with the source "agent" that do not show that the agent has worked.
local idle_actions = { system = true, change_agent_state = true, recall = true }

local function table_in(event, name)
  return type(event[name]) == "table" and event[name] or {}
end

local function final_message_of(event)
  local arguments = table_in(event, "args")
  if event.action == "finish" then
    return text(arguments.final_thought) or text(table_in(arguments, "outputs").content) or text(event.message)
  elseif event.action == "message" and event.source == "agent" then
    return text(arguments.content) or text(event.message)
  end
end

local function failure_of(event)
  local state = table_in(event, "extras").agent_state
  if event.action == "reject" then
    local arguments = table_in(event, "args")
    return text(table_in(arguments, "outputs").reason) or text(event.message)
  elseif event.observation == "error" then
    return text(event.content) or text(event.message)
  elseif event.observation == "agent_state_changed" and (state == "error" or state == "rejected") then
    return text(table_in(event, "extras").reason) or text(event.content) or text(event.message)
  end
end

local function mentions_limit(event)
  for _, fields in ipairs { event, table_in(event, "extras") } do
    for _, value in pairs(fields) do
      if type(value) == "string" and value:find(LIMIT_CODE, 1, true) then
        return true
      end
    end
  end
  return false
end

-- Reads an event into `found`; newer events come first. Returns true if older events cannot change the result.
local function take_v0(event, found)
  if event.action == "message" and event.source == "user" then
    found.has_new_message = found.agent_state == nil -- without a newer agent state, the message is not answered yet
    return true
  end
  local has_stopped = found.agent_state == nil or found.agent_state == "stopped"
  if has_stopped and mentions_limit(event) then
    found.closed_by_limit = LIMIT_CODE .. ": the service closed it, because too many conversations ran at once"
  end
  found.failure = found.failure or failure_of(event)
  found.answer = found.answer or final_message_of(event)
  if event.observation == "agent_state_changed" then
    local state = text(table_in(event, "extras").agent_state)
    found.agent_acted = found.agent_acted or state == "running"
    found.agent_state = found.agent_state or state
    found.state_before = found.state_before or state ~= "stopped" and state or nil
  elseif event.source == "agent" and event.action ~= nil and not idle_actions[event.action] then
    found.agent_acted = true
  end
  return false
end

local function result_v0(client, id, call)
  local newest = { conversation_id = id, reverse = true, limit = NEWEST_V0 }
  local found, seen, memory = {}, 0, client:_remember(id)
  local function request()
    return client:_read("events", newest, call, "v0", servers.last_route(memory))
  end
  repeat
    local page, err = client:_read_page(newest, memory, request)
    if not page and not (err.kind == "too_large" and seen > 0) then
      return nil, err
    elseif page and type(page.events) ~= "table" then
      return nil, errors.protocol("events", "the answer has no list 'events'")
    end
    local events = page and page.events or {}
    for _, event in ipairs(events) do
      if type(event) == "table" and take_v0(event, found) then
        return found
      end
    end
    local last = events[#events]
    local number = type(last) == "table" and type(last.id) == "number" and last.id
    seen = seen + #events
    newest.end_id = number and number - 1
    -- One page is enough, unless its events were too large to be read at once.
  until not (number and memory.page_size and page.has_more == true and seen < NEWEST_V0)
  return found
end

--- Reads the result of the agent's latest turn.
---@param client openhands.Client
---@param id string
---@param call table
---@param api "v0"|"v1"
---@param wanted "answer"|"failure"|nil V1: field for which the conversation's own server is asked if the service lacks
--- it
---@return openhands.Result? result
---@return openhands.Error? err
function M.read(client, id, call, api, wanted)
  if api == "v0" then
    return result_v0(client, id, call)
  end
  return result_v1(client, id, call, wanted)
end

return M
