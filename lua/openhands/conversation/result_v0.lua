--- Reads the result of the agent's latest turn on V0 from a conversation's newest events: its answer, or why it failed,
--- and the last state that the agent reported.

local core = require "openhands.core"
local errors = require "openhands.errors"
local memories = require "openhands.conversation.memory"

local M = {}

local NEWEST_V0 = 20 -- number of newest events that are read; the end of a turn is among them
local LIMIT_CODE = "AGENT_ERROR$TOO_MANY_CONVERSATIONS"

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- Actions with the source "agent" that do not show that the agent has worked.
local idle_actions = { system = true, change_agent_state = true, recall = true }

local function table_in(event, name)
  return type(event[name]) == "table" and event[name] or {}
end

-- Returns the state that an agent reports in an event, in lower case; nil if the event reports none.
local function reported_state(event)
  local state = event.observation == "agent_state_changed" and text(table_in(event, "extras").agent_state)
  return state and core.lower(state) or nil
end

local function final_message_of(event)
  local arguments = table_in(event, "args")
  if event.action == "finish" then
    return text(arguments.final_thought) or text(table_in(arguments, "outputs").content) or text(event.message)
  elseif event.action == "message" and event.source == "agent" then
    return text(arguments.content) or text(event.message)
  end
end

local function failure_of(event, state)
  if event.action == "reject" then
    local arguments = table_in(event, "args")
    return text(table_in(arguments, "outputs").reason) or text(event.message)
  elseif event.observation == "error" then
    return text(event.content) or text(event.message)
  elseif state == "error" or state == "rejected" then
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
  local state = reported_state(event)
  found.failure = found.failure or failure_of(event, state)
  found.answer = found.answer or final_message_of(event)
  if event.observation == "agent_state_changed" then
    found.agent_acted = found.agent_acted or state == "running"
    found.agent_state = found.agent_state or state
    found.state_before = found.state_before or state ~= "stopped" and state or nil
  elseif event.source == "agent" and event.action ~= nil and not idle_actions[event.action] then
    found.agent_acted = true
  end
  return false
end

--- Reads the result of the agent's latest turn from the newest events.
---@param client openhands.Client
---@param id string
---@param call table
---@return openhands.Result? result
---@return openhands.Error? err
function M.read(client, id, call)
  local newest = { conversation_id = id, reverse = true, limit = NEWEST_V0 }
  local found, seen, memory = {}, 0, client:_remember(id)
  local function request()
    return client:_read("events", newest, call, "v0", memories.last_route(memory))
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

return M
