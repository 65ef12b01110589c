--- Judges a conversation from its events: its status does not always say whether and how the work has ended. Uses no
--- client and no clock; changes only the tables that it is given.

local states = require "openhands.conversation.state"

local M = {}

--- The field that the result of a settled conversation should have, by state.
M.wanted = { finished = "answer", failed = "failure" }

-- V1's execution states in which the agent does not go on by itself.
local ended = { finished = true, error = true, stuck = true, waiting_for_confirmation = true, paused = true }

-- ---- V0 ------------------------------------------------------------------------------------------------------------

-- States by the state that a V0 agent reports. AWAITING_USER_INPUT is missing: it may be an end, see `end_of_work`. In
-- any other reported state, the agent works or is about to.
local by_agent_state = {
  FINISHED = "finished",
  AWAITING_USER_CONFIRMATION = "waiting",
  ERROR = "failed",
  REJECTED = "failed",
  STOPPED = "stopped",
  PAUSED = "paused",
}

-- Returns the state in which the work of a V0 conversation ended, even if it was stopped afterwards; nil if the work
-- did not end. An agent that waits for user input has finished if it has worked: its turn has ended with a message.
local function end_of_work(result)
  local word = states.upper(result.state_before or result.agent_state)
  if word == "AWAITING_USER_INPUT" then
    return result.agent_acted and "finished" or nil
  elseif word == "FINISHED" or word == "ERROR" or word == "REJECTED" then
    return by_agent_state[word]
  end
end

--- Judges, from its events, a V0 conversation whose runtime is up: its status does not say whether the agent works.
---@param result openhands.Result
---@param memory openhands.Memory
---@return openhands.State state
---@return boolean settled
function M.judge_result(result, memory)
  local state
  if result.closed_by_limit then
    state = "stopped"
  elseif not result.has_new_message then
    state = end_of_work(result) or by_agent_state[states.upper(result.agent_state)]
  end
  memory.state = state or "running"
  return state or "running", state ~= nil
end

--- Judges, from its events, a V0 conversation whose runtime is down: the runtime may not be up yet, or the work may
--- have ended before it went down.
---@param result openhands.Result
---@param memory openhands.Memory
---@return openhands.State? state nil: the events say no more than the status
---@return boolean settled
function M.judge_result_when_down(result, memory)
  local state = not result.closed_by_limit and not result.has_new_message and end_of_work(result)
  if not state and (result.closed_by_limit or result.agent_acted) then
    state = "stopped" -- in the middle of its work
  end
  memory.state = state or memory.state
  return state or nil, true
end

-- ---- either dialect -------------------------------------------------------------------------------------------------

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
function M.apply_result(conversation, result, memory)
  if conversation.api == "v0" then
    local judge = states.is_down(conversation, memory) and M.judge_result_when_down or M.judge_result
    local state, settled = judge(result, memory)
    if state then
      conversation.state, conversation.settled = state, settled
      memory.events_due_at, memory.events_pause = nil, nil -- due at once: the next status will not show it
    end
    M.add_to_settled(conversation, result)
    return false
  end
  if states.has_uncertain_end(memory) then
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

--- Adds to a settled conversation the details that only its events contain.
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

return M
