--- What a conversation's events tell: its final answer, or why it failed.
---
--- V1's service gets to know of events some time after they happened (half a minute, on real ones); the conversation's
--- own server has them at once.

local ascii = require "openhands.ascii"
local conversations = require "openhands.conversation"
local errors = require "openhands.errors"
local page_size = require "openhands.events.page_size"
local runtime = require "openhands.conversation.server"

local M = {}

local MOST_PAGES = 5 -- of the newest events, a hundred each
local MOST_SMALL_PAGES = 20 -- where a hundred are too large to be read
local OWN_TIME = 5 -- seconds that a conversation's own server may take
local FIRST_PAUSE, LONGEST_PAUSE = 60, 960 -- seconds for which own servers are not asked after one was not reached

local function joined_text(content)
  local parts = {}
  for _, block in ipairs(type(content) == "table" and content or {}) do
    if type(block) == "table" and type(block.text) == "string" then
      parts[#parts + 1] = block.text
    end
  end
  return table.concat(parts, "\n")
end

--- What a message says, as its event will.
---@param content string|table[]
---@return string
function M.words_of(content)
  return type(content) == "string" and content or joined_text(content)
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
  end
end

-- What went wrong in a step, which the agent may have got over.
local function slip_of(event)
  return event.kind == "AgentErrorEvent" and type(event.error) == "string" and event.error or nil
end

local function execution_of(event)
  local tells = event.kind == "ConversationStateUpdateEvent" and event.key == "execution_status"
  return tells and type(event.value) == "string" and ascii.lower(event.value) or nil
end

-- What the agent server makes of it: an older event of the same failure may have it where the newest has not.
local function class_of(event)
  local class = event.classification
  return type(class) == "table" and type(class.kind) == "string" and class or nil
end

-- Its prompt is of the agent's too, and is there before it does anything.
local function is_work(event)
  return event.source == "agent" and event.kind ~= "SystemPromptEvent"
end

local function take(event, found)
  local failure = failure_of(event)
  found.failure = found.failure or failure
  found.classification = found.classification or failure and class_of(event) or nil
  found.slip = found.slip or slip_of(event)
  found.finish = found.finish or finish_of(event)
  found.execution = found.execution or execution_of(event)
  found.agent_acted = found.agent_acted or is_work(event)
  if event.kind == "MessageEvent" and event.source == "agent" then
    found.message = found.message or message_of(event)
  end
end

--- Reads a page of events, newest first, into `found`; true when nothing older can matter.
local function scan(items, found)
  for _, event in ipairs(items) do
    local is_event = type(event) == "table"
    if is_event and event.kind == "MessageEvent" and event.source == "user" then
      found.question, found.asked = event.id, message_of(event)
      return true -- what is older answers another one
    elseif is_event and not found.finish then
      take(event, found)
    end
  end
  return found.finish ~= nil
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

-- Without a way: as the service shows it. The pages of a conversation's own server have ids that are no places.
---@return openhands.Ending? found
---@return openhands.Error? err
local function read_v1(client, id, call, way)
  local found, pages, memory = { is_own = way ~= nil }, 0, client:_remember(id)
  local fields = { conversation_id = id, sort_order = "TIMESTAMP_DESC", limit = 100 }
  while pages < (memory.page_size and MOST_SMALL_PAGES or MOST_PAGES) do
    local page, err = page_size.ask(fields, memory, function()
      return client:_read("events", fields, call, way and "agent" or "v1", way)
    end)
    pages = pages + 1
    local following
    if not page then
      following = not way and err.kind == "too_large" and behind(fields.page_id)
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
  found.answer = found.finish or not found.too_large and found.message or nil
  found.failure = found.failure or found.slip
  return found
end

local unreached = { connect = true, timeout = true, tls = true }

-- As the conversation's own server tells it, if that can be reached. Where it cannot, that takes a while to find out:
-- then none of the client's conversations is asked so for some time.
---@return openhands.Ending? found
local function read_own(client, id, call)
  local way, now = runtime.last_way(client:_remember(id)), client:_now()
  if not way or now < (client._own_servers_after or now) then
    return nil
  end
  local quick = client:_fresh(call, math.min(call.deadline_at, now + OWN_TIME))
  quick.retries = 0
  local found, err = read_v1(client, conversations.dashed(id), quick, way)
  if err and unreached[err.kind] and not err.is_untried then
    client._own_servers_pause = math.min(LONGEST_PAUSE, 2 * (client._own_servers_pause or FIRST_PAUSE / 2))
    client._own_servers_after = client:_now() + client._own_servers_pause
  elseif found then
    client._own_servers_after, client._own_servers_pause = nil, nil
  end
  return found
end

-- After a further message the service may show how the turn before ended: there its own server is asked first.
local function ending_v1(client, id, call, wanted)
  local asks_first = client:_remember(id).was_spoken_to
  local found = asks_first and read_own(client, id, call)
  if found then
    return found
  end
  local err
  found, err = read_v1(client, id, call)
  local lacks = wanted and not (found and found[wanted] and not (wanted == "failure" and found.failure == found.slip))
  local own = lacks and not asks_first and read_own(client, id, call)
  if own then
    return own
  end
  return found, err
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
    found.state_before = found.state_before or state ~= "stopped" and state or nil
  elseif event.source == "agent" and event.action ~= nil and not idle_actions[event.action] then
    found.agent_acted = true
  end
  return false
end

local function ending_v0(client, id, call)
  local newest = { conversation_id = id, reverse = true, limit = NEWEST_V0 }
  local found, seen, memory = {}, 0, client:_remember(id)
  repeat
    local page, err = page_size.ask(newest, memory, function()
      return client:_read("events", newest, call, "v0", runtime.last_way(memory))
    end)
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
---@field classification openhands.FailureClass? V1: what the agent server makes of it
---@field agent_acted boolean? the agent has worked since it was last spoken to
---@field agent_state string? V0: the last state that the agent reported
---@field state_before string? V0: the same before it was stopped, if it was
---@field unread boolean? V0: somebody has spoken since
---@field crowded_out string? V0: the service closed it for want of room
---@field too_large openhands.Error? V1: why an event could not be read that may be the answer
---@field execution string? V1: what the agent last said of itself since it was last spoken to
---@field question string? V1: id of the event with which it was last spoken to
---@field asked string? V1: what was said with it
---@field finish string? V1: the agent's words with which it called its work finished
---@field message string? V1: those of its last message
---@field slip string? V1: what went wrong in a step, which it may have got over
---@field is_own boolean? V1: told by the conversation's own server, which knows all

---@param client openhands.Client
---@param id string
---@param call table
---@param api "v0"|"v1"
---@param wanted "answer"|"failure"|nil what is asked of the conversation's own server where the service lacks it
---@return openhands.Ending? ending
---@return openhands.Error? err
function M.ending(client, id, call, api, wanted)
  if api == "v0" then
    return ending_v0(client, id, call)
  end
  return ending_v1(client, id, call, wanted)
end

return M
