--- Judges the state of a conversation from the service's response and the client's memory of it. Uses no client and no
--- clock; changes only the tables that it is given. Each rule handles one way in which the service misleads clients.

---@alias openhands.State
---| "starting" # accepted; the agent has not begun
---| "running"
---| "waiting" # for a person to confirm an action
---| "paused" # put to sleep, and nothing says that the work ended before; it does not go on by itself
---| "stopped" # V0: the runtime is down or the agent was stopped, and nothing says that the work ended before
---| "finished" # the agent ended its turn, with its task done or with a message
---| "failed" # error or stuck
---| "gone" # archived or deleted
---| "unknown" # a value that this version does not know, or (V1) a sandbox that this client has only seen missing

local core = require "openhands.core"
local deferred = require "openhands.deferred"
local timestamps = deferred.module "openhands.conversation.timestamp"

local M = {}

local ABSENCES = 3 -- responses without a conversation before it is believed to be gone

-- Seconds after a message for which the service may still show the end of the turn before it.
local OLD_END = 15

-- V0 says STOPPED until the runtime is up, which may take minutes. STOPPED is believed after this many grace periods.
local START_GRACES = 10

-- The known words in upper case, indexed in upper and lower case, so that most responses need no conversion.
local upper_words = {}
for word in ([[RUNNING STARTING PAUSED MISSING ERROR FINISHED STUCK WAITING_FOR_CONFIRMATION DELETING IDLE STOPPED
  ARCHIVED WORKING WAITING_FOR_SANDBOX PREPARING_REPOSITORY RUNNING_SETUP_SCRIPT SETTING_UP_GIT_HOOKS
  SETTING_UP_SKILLS STARTING_CONVERSATION READY]]):gmatch "[A-Z_]+" do
  upper_words[word], upper_words[core.lower(word)] = word, word
end

local function upper(value)
  return upper_words[value] or type(value) == "string" and core.upper(value) or nil
end

--- Notes that a response did not show a conversation. Counts each response once, even if several waits take it. Returns
--- whether the conversation was absent often enough, and for long enough, to be taken as gone.
---@param memory openhands.Memory
---@param answered_at number monotonic moment of the response, the same for all who take it
---@param grace number seconds
---@return boolean
function M.note_absence(memory, answered_at, grace)
  memory.missing_since = memory.missing_since or answered_at
  if answered_at > (memory.missing_at or -math.huge) then
    memory.missing_at, memory.missing_count = answered_at, (memory.missing_count or 0) + 1
  end
  return memory.missing_count >= ABSENCES and answered_at - memory.missing_since >= grace
end

--- Notes that a response has shown a conversation.
---@param memory openhands.Memory
function M.note_presence(memory)
  memory.missing_since, memory.missing_at, memory.missing_count = nil, nil, nil
end

-- Execution states that decide by themselves: the state, and whether it is settled. Compared in upper case,
-- because the documentation and the service differ in this.
---@type table<string, { [1]: openhands.State, [2]: boolean }>
local by_execution = {
  FINISHED = { "finished", true },
  ERROR = { "failed", true },
  STUCK = { "failed", true },
  WAITING_FOR_CONFIRMATION = { "waiting", true },
  DELETING = { "gone", true },
}

---@return openhands.State state
---@return boolean settled
local function judge_v1(sandbox, execution, memory, now, grace)
  local decided = by_execution[execution]
  if decided then
    return decided[1], decided[2]
  elseif sandbox == "PAUSED" then
    return "paused", true -- also if the agent was working before
  elseif sandbox == "MISSING" then
    -- The service also says MISSING when its own look-up fails, so a single MISSING is not an end.
    if M.note_absence(memory, now, grace) then
      return "gone", true
    end
    return memory.state or "unknown", false
  elseif sandbox == "ERROR" then
    return "failed", true
  elseif execution == "PAUSED" then
    return "paused", true -- after a resume, the sandbox runs but the agent does not
  elseif execution == "RUNNING" then
    memory.has_worked, memory.message_at, memory.is_paused_by_us = true, nil, nil
    return "running", false
  elseif execution == "IDLE" then
    -- The agent is idle before its first step too.
    return memory.has_worked and "finished" or "starting", memory.has_worked or false
  elseif execution ~= nil then
    return "unknown", false
  elseif sandbox == "STARTING" then
    return "starting", false
  elseif sandbox == "RUNNING" then
    return memory.has_worked and "running" or "starting", false -- the service could not ask the sandbox for a moment
  end
  return "unknown", false
end

-- Returns whether an end that the service shows may belong to the turn before the latest message.
local function is_end_uncertain(sandbox, memory, now, grace)
  if memory.message_at and now - memory.message_at >= math.min(OLD_END, grace) then
    memory.message_at = nil
  end
  return memory.message_at ~= nil and sandbox == "RUNNING"
end

--- Notes that a message was sent, or that another call (`confirm`, `run`) has started work of the agent: for a moment
--- the service may still show the state before it.
---@param memory openhands.Memory
---@param now number monotonic, seconds
---@param text string? of a message that has certainly arrived
function M.note_work(memory, now, text)
  memory.message_at, memory.message_text, memory.has_sent_message = now, text, true
  memory.earlier_question_id, memory.question_id = memory.question_id, nil
  memory.events_due_at, memory.events_pause, memory.events_read_of, memory.slept_end = nil, nil, nil, nil
end

--- Notes that the agent has begun to work on the latest message: the service now shows the state of that turn.
---@param memory openhands.Memory
function M.note_taken_up(memory)
  memory.has_worked, memory.message_at = true, nil
end

---@return openhands.State state
---@return boolean settled
local function judge_v0(response, memory, now, grace, wall_clock)
  local status = upper_words[response.status] or upper(response.status)
  if memory.is_restarting and status ~= "STOPPED" then
    memory.is_restarting = nil
  end
  if status == "RUNNING" then
    if not memory.has_worked then
      memory.events_due_at, memory.events_pause = nil, nil -- the pause was for a runtime that was not up
    end
    memory.has_worked = true
    return "running", false
  elseif status == "STARTING" then
    return "starting", false
  elseif status == "ERROR" then
    return "failed", true
  elseif status == "ARCHIVED" then
    return "gone", true
  elseif status ~= "STOPPED" then
    return "unknown", false
  elseif memory.has_worked then
    return "stopped", true
  end
  -- STOPPED is also the first status of a fresh conversation.
  local lifetime
  if memory.started_at then
    lifetime = now - memory.started_at
  else
    local created_at = timestamps.seconds(response.created_at)
    lifetime = created_at and wall_clock - created_at or now - memory.first_seen
  end
  if lifetime and lifetime >= START_GRACES * grace then
    return "stopped", true
  end
  return "starting", false
end

--- Judges a response about a conversation, and notes in `memory` what later judgements need.
---@param api "v0"|"v1"
---@param response table
---@param memory openhands.Memory
---@param now number monotonic moment of the response, seconds
---@param grace number seconds
---@param wall_clock integer|false seconds since 1970, for the age of a V0 conversation
---@return openhands.State state
---@return boolean settled whether waiting longer makes no sense
function M.judge(api, response, memory, now, grace, wall_clock)
  local sandbox, execution = response.sandbox_status, response.execution_status
  local state, settled
  memory.first_seen = memory.first_seen or now
  if api == "v1" then
    sandbox, execution = upper_words[sandbox] or upper(sandbox), upper_words[execution] or upper(execution)
  end
  if memory.missing_since and (api == "v0" or sandbox ~= "MISSING") then
    M.note_presence(memory)
  end
  if api == "v0" then
    state, settled = judge_v0(response, memory, now, grace, wall_clock)
  else
    state, settled = judge_v1(sandbox, execution, memory, now, grace)
    memory.end_is_uncertain = settled and is_end_uncertain(sandbox, memory, now, grace) or false
    if memory.end_is_uncertain then
      state, settled = "running", false
    end
  end
  memory.state = state
  return state --[[@as openhands.State]], settled --[[@as boolean]]
end

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
  local word = upper(result.state_before or result.agent_state)
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
    state = end_of_work(result) or by_agent_state[upper(result.agent_state)]
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

--- Judges a V1 start task: before it is ready, the service shows the conversation nowhere else.
---@param task table
---@return openhands.State state
---@return boolean settled
function M.judge_task(task)
  local status = task.status
  if (upper_words[status] or upper(status)) == "ERROR" then
    return "failed", true
  end
  return "starting", false -- READY too: the agent has not been seen yet
end

--- Returns whether a V1 start task has ended in a conversation, which the list is about to show.
---@param task table
---@return boolean
function M.is_ready(task)
  return upper(task.status) == "READY"
end

-- ---- by the events as well ------------------------------------------------------------------------------------------

--- The field that the result of a settled conversation should have, by state.
M.wanted = { finished = "answer", failed = "failure" }

-- V1's execution states in which the agent does not go on by itself.
local ended = { finished = true, error = true, stuck = true, waiting_for_confirmation = true, paused = true }

--- Returns whether the status shows an end that may belong to the turn before this client's message, and the text of
--- that message is known: then the events can tell which turn has ended.
---@param memory openhands.Memory
---@return boolean
function M.has_uncertain_end(memory)
  return memory.message_at ~= nil and memory.message_text ~= nil and memory.end_is_uncertain or false
end

--- Returns whether a V0 conversation's runtime is down: it may not be up yet, or the work may have ended. Returns false
--- after a restart by this client, when the events are still those of the time before.
---@param conversation openhands.Conversation
---@param memory openhands.Memory
---@return boolean
function M.is_down(conversation, memory)
  return conversation.api == "v0" and upper(conversation.status) == "STOPPED" and not memory.is_restarting
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
  return upper(conversation.execution_status) == "IDLE" or M.has_uncertain_end(memory)
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
function M.apply_result(conversation, result, memory)
  if conversation.api == "v0" then
    local judge = M.is_down(conversation, memory) and M.judge_result_when_down or M.judge_result
    local state, settled = judge(result, memory)
    if state then
      conversation.state, conversation.settled = state, settled
      memory.events_due_at, memory.events_pause = nil, nil -- due at once: the next status will not show it
    end
    M.add_to_settled(conversation, result)
    return false
  end
  if M.has_uncertain_end(memory) then
    local is_answered = answers_message(result, memory)
    if is_answered then
      M.note_taken_up(memory)
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
