--- Reads the result of the agent's latest turn from a conversation's newest events: its answer, or why it failed.
--- Decides when these events are read besides the status.
---
--- V1's service learns of events some time after they happened (half a minute, in practice); the conversation's own
--- server has them at once.

local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local results_v0 = deferred.module "openhands.conversation.result_v0"
local memories = require "openhands.conversation.memory"
local states = require "openhands.conversation.state"

--- The result of the agent's latest turn, from the newest events.
---@class openhands.Result
---@field answer string? the agent's last message
---@field failure string? why it failed
---@field classification openhands.FailureClass? V1: the agent server's own classification of the failure
---@field agent_acted boolean? the agent has worked since the latest message to it
---@field agent_state string? V0: the last state that the agent reported, in lower case
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
-- Seconds for which the client asks no conversation's own server, after one could not be reached.
local FIRST_SERVER_PAUSE, LONGEST_SERVER_PAUSE = 60, 960

local FIRST_PAUSE, LONGEST_PAUSE = 4, 60 -- seconds between two readings of the same events

-- ---- the events of V1 ----------------------------------------------------------------------------------------------

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
      found.execution = found.execution or core.lower(event.value)
    end
  end,
  MessageEvent = function(event, found)
    if event.source == "agent" then
      found.last_message = found.last_message or text_of_message(event)
    end
  end,
}

-- Reads a page of events, newest first, into `found`. Returns true if older events cannot change the answer
-- or the failure.
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

-- Reads from the conversation's own server. If it cannot be reached, the client asks no conversation's own server for
-- some time, because a failed attempt takes long.
---@return openhands.Result? result
local function read_from_own_server(client, id, call)
  local route, now = memories.last_route(client:_remember(id)), client._loop.now()
  if not route or now < (client._own_servers_after or now) then
    return nil
  end
  local quick = client:_fresh(call, math.min(call.deadline_at, now + OWN_SERVER_TIMEOUT))
  quick.retries = 0
  local found, err = read_v1(client, identifiers.with_dashes(id), quick, route)
  if err and unreached[err.kind] and not err.is_untried then
    local longer = 2 * (client._own_servers_pause or FIRST_SERVER_PAUSE / 2)
    client._own_servers_pause = math.min(LONGEST_SERVER_PAUSE, longer)
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

-- ---- of any conversation --------------------------------------------------------------------------------------------

--- Reads the result of the agent's latest turn.
---@param client openhands.Client
---@param id string
---@param call table
---@param api "v0"|"v1"
---@param wanted "answer"|"failure"|nil V1: field for which the conversation's own server is asked if the service lacks
--- it
---@return openhands.Result? result
---@return openhands.Error? err
function M.read_by_id(client, id, call, api, wanted)
  if api == "v0" then
    return results_v0.read(client, id, call)
  end
  return result_v1(client, id, call, wanted)
end

-- ---- when ----------------------------------------------------------------------------------------------------------

-- The fields of a status that change when new events come.
local function fingerprint(conversation)
  local status, changed, cost = conversation.status, conversation.updated_at, conversation.cost
  return ("%s %s %s"):format(tostring(status), tostring(changed), tostring(cost))
end

--- Returns whether a conversation's events are due to be read: long enough after the last reading, when the status has
--- changed since, and always while the end that the status shows is uncertain.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.is_due(client, conversation, memory)
  return states.has_uncertain_end(memory)
    or not memory.events_due_at
    or client._loop.now() >= memory.events_due_at
    or memory.events_read_of ~= nil and memory.events_read_of ~= fingerprint(conversation)
end

--- Returns whether the events of a conversation that sleeps may tell more than when they were last read: for a while
--- they may, since the service learns of them late. That while begins anew with each other status.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.is_worth_reading(client, conversation, memory)
  local read_of = memory.events_read_of
  if read_of and read_of ~= fingerprint(conversation) then
    memory.events_pause = nil
    return true
  end
  local is_final = read_of ~= nil and (memory.events_pause or 0) >= LONGEST_PAUSE
  return not is_final and M.is_due(client, conversation, memory)
end

-- Sets when the events are read again. V0's events are read with every poll while the runtime is up and they can
-- be read.
local function set_due(client, conversation, memory, err)
  local is_readable = not err or errors.is_transient(err) and err.kind ~= "server"
  if conversation.api == "v0" and not states.is_down(conversation, memory) and is_readable then
    memory.events_due_at, memory.events_pause = nil, nil
    return
  end
  memory.events_pause = math.min(LONGEST_PAUSE, (memory.events_pause or FIRST_PAUSE / 2) * 2)
  memory.events_due_at = client._loop.now() + memory.events_pause
  memory.events_read_of = not err and fingerprint(conversation) or nil
end

--- Reads the result of the agent's latest turn, and sets when it is to be read again.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param call table
---@return openhands.Result? result
---@return openhands.Error? err
function M.read(client, conversation, call)
  local wanted, memory = states.wanted[conversation.state], client:_remember(conversation.conversation_id)
  local result, err = M.read_by_id(client, conversation.conversation_id, call, conversation.api, wanted)
  if result and not memory.message_at then
    memory.question_id = result.question_id
  end
  set_due(client, conversation, memory, err)
  return result, err
end

--- Reads a V0 conversation's events, if they may show an end, and applies them. A failure to read them is no error: the
--- status is known.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param call table
function M.update(client, conversation, call)
  local memory = client:_remember(conversation.conversation_id)
  if states.may_have_ended(conversation, memory) and M.is_due(client, conversation, memory) then
    local result = M.read(client, conversation, call)
    if result then
      states.apply_result(conversation, result, memory)
    end
  end
end

return M
