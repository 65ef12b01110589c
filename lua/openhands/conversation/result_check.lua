--- Decides when a conversation's events are read besides its status, and applies their result to its state: V0's status
--- does not say whether the agent works, and V1's can be older than the events.

local ascii = require "openhands.ascii"
local errors = require "openhands.errors"
local results = require "openhands.conversation.result"
local states = require "openhands.conversation.state"

local M = {}

local FIRST_PAUSE, LONGEST_PAUSE = 4, 60 -- seconds between two readings of the same events

--- The field that the result of a settled conversation should have, by state.
M.wanted = { finished = "answer", failed = "failure" }

-- V1's execution states in which the agent does not go on by itself.
local ended = { finished = true, error = true, stuck = true, waiting_for_confirmation = true, paused = true }

local function is_idle(execution)
  return execution == "idle" or type(execution) == "string" and ascii.lower(execution) == "idle"
end

-- Returns whether the status shows an end that may be that of the turn before this client's message.
local function is_end_uncertain(memory)
  return memory.message_at ~= nil and memory.message_text ~= nil and memory.end_is_uncertain
end

--- Returns whether a V0 conversation's runtime is down: it may not be up yet, or the work may have ended. Returns false
--- after a restart by this client, when the events are still those of the time before.
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.is_down(conversation, memory)
  return conversation.api == "v0" and conversation.status == "STOPPED" and not memory.is_restarting
end

--- Returns whether a conversation's events may show an end that its status hides: V1's agent may have begun and ended
--- between two polls, or have answered a message already; V0's status never shows it.
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.may_have_ended(conversation, memory)
  if conversation.api == "v0" then
    return conversation.state == "running" or M.is_down(conversation, memory)
  elseif conversation.settled then
    return false
  end
  local execution = conversation.execution_status
  return execution ~= "running" and is_idle(execution) or memory.message_at and is_end_uncertain(memory) or false
end

-- Returns whether a result is the end of the turn that this client's latest message began. The service may still show
-- the message before it, whose event is known from an earlier reading.
local function answers_message(result, memory)
  local is_ours = result.question_text == memory.message_text
  local is_new = result.from_own_server
    or memory.earlier_question_id ~= nil and result.question_id ~= memory.earlier_question_id
  local has_ended = result.answer ~= nil
  if result.execution then
    has_ended = ended[result.execution] or false
  end
  return is_ours and is_new and has_ended
end

--- Applies a result to a conversation: its state, if the events show it, and its answer or failure.
---@param conversation openhands.Conversation
---@param result openhands.Result
---@param memory openhands.Memory
---@return boolean is_outdated whether the status has to be requested again: V1's agent has worked, and it is unclear
--- whether before or after its status was read
function M.apply(conversation, result, memory)
  if conversation.api == "v0" then
    local judge = M.is_down(conversation, memory) and states.judge_result_when_down or states.judge_result
    local state, settled = judge(result, memory)
    if state then
      conversation.state, conversation.settled = state, settled
      memory.events_due_at, memory.events_pause = nil, nil -- due at once: the next status will not show it
    end
    M.add_to_settled(conversation, result)
    return false
  end
  if is_end_uncertain(memory) then
    local is_answered = answers_message(result, memory)
    if is_answered then
      states.note_taken_up(memory)
    end
    return is_answered
  end
  local is_news = result.agent_acted and not memory.has_worked or false
  memory.has_worked = memory.has_worked or result.agent_acted
  return is_news
end

--- Adds the details to a settled conversation that only its events contain.
---@param conversation openhands.Conversation
---@param result openhands.Result
function M.add_to_settled(conversation, result)
  if conversation.settled then
    conversation.answer = result.answer
    conversation.detail = conversation.detail
      or result.closed_by_limit
      or conversation.state == "failed" and result.failure
      or nil
    conversation.classification = conversation.state == "failed" and result.classification or nil
  end
end

-- The fields of a status that change when new events come.
local function fingerprint(conversation)
  local status, changed, cost = conversation.status, conversation.updated_at, conversation.cost
  return ("%s %s %s"):format(tostring(status), tostring(changed), tostring(cost))
end

--- Returns whether a conversation's events are due to be read: long enough after the last reading, or when the status
--- has changed since.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.is_due(client, conversation, memory)
  return is_end_uncertain(memory)
    or not memory.events_due_at
    or client._loop.now() >= memory.events_due_at
    or memory.events_read_of ~= nil and memory.events_read_of ~= fingerprint(conversation)
end

-- Sets when the events are read again. V0's events are read with every poll while the runtime is up and they can
-- be read.
local function set_due(client, conversation, memory, err)
  local is_readable = not err or errors.is_transient(err) and err.kind ~= "server"
  if conversation.api == "v0" and not M.is_down(conversation, memory) and is_readable then
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
  local wanted, memory = M.wanted[conversation.state], client:_remember(conversation.conversation_id)
  local result, err = results.read(client, conversation.conversation_id, call, conversation.api, wanted)
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
---@param always boolean? even if they were read a moment ago
function M.update(client, conversation, call, always)
  local memory = client:_remember(conversation.conversation_id)
  if M.may_have_ended(conversation, memory) and (always or M.is_due(client, conversation, memory)) then
    local result = M.read(client, conversation, call)
    if result then
      M.apply(conversation, result, memory)
    end
  end
end

return M
