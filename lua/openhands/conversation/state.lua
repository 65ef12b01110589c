--- How a conversation stands, judged from what the service says now and what was seen of it before.
--- Pure: tables in, words out. Each rule is a way in which the service has misled its clients.

---@alias openhands.State
---| "starting" # accepted; the agent has not begun
---| "running"
---| "waiting" # for a person to confirm an action
---| "paused" # put to sleep, by a person or by the service; it does not go on by itself
---| "stopped" # V0: the runtime is down, and nothing says that the work ended before
---| "finished" # the agent ended its turn, with its task done or with a message
---| "failed" # error or stuck
---| "gone" # archived or deleted
---| "unknown" # a value that this version has never seen

local ascii = require "openhands.ascii"

local M = {}

local SIGHTINGS = 3 -- of an absence, before it is believed

-- Seconds after a message in which the service may still show how the turn before it ended.
local HEARING = 15

-- V0 says STOPPED until the runtime is up, which may take minutes; after so many graces it is taken at its word.
local START_GRACES = 10

local function upper(value)
  return type(value) == "string" and ascii.upper(value) or nil
end

--- Whether an absence has been seen often and long enough to be believed. Notes the sighting.
---@param memory openhands.Memory
---@param now number monotonic, seconds
---@param grace number seconds
---@return boolean
function M.absence_confirmed(memory, now, grace)
  memory.missing_since = memory.missing_since or now
  memory.missing_count = (memory.missing_count or 0) + 1
  return memory.missing_count >= SIGHTINGS and now - memory.missing_since >= grace
end

--- Forgets earlier sightings as missing.
---@param memory openhands.Memory
function M.present(memory)
  memory.missing_since, memory.missing_count = nil, nil
end

-- Execution states that decide by themselves. Compared in one case: documents and wire differ.
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
local function judge_v1(answer, memory, now, grace)
  local sandbox, execution = upper(answer.sandbox_status), upper(answer.execution_status)
  local decided = by_execution[execution]
  if decided then
    return decided[1], decided[2]
  elseif sandbox == "PAUSED" then
    return "paused", true -- whatever the agent did last: the sandbox sleeps
  elseif sandbox == "MISSING" then
    -- A failed look-up says MISSING too: one sighting is not an end.
    if M.absence_confirmed(memory, now, grace) then
      return "gone", true
    end
    return memory.state or "unknown", false
  elseif sandbox == "ERROR" then
    return "failed", true
  elseif execution == "PAUSED" then
    return "paused", true -- after a resume the container runs and the agent does not
  elseif execution == "RUNNING" then
    M.heard(memory)
    return "running", false
  elseif execution == "IDLE" then
    -- Before its first step the agent is idle too.
    return memory.running and "finished" or "starting", memory.running or false
  elseif execution ~= nil then
    return "unknown", false
  elseif sandbox == "STARTING" then
    return "starting", false
  elseif sandbox == "RUNNING" then
    return memory.running and "running" or "starting", false -- the live look-up failed for a moment
  end
  return "unknown", false
end

-- Whether an end that is shown may be the one before the latest message: the agent has not been seen at work since.
local function is_old(answer, memory, now, grace)
  if memory.spoken_at and now - memory.spoken_at >= math.min(HEARING, grace) then
    memory.spoken_at = nil
  end
  return memory.spoken_at ~= nil and upper(answer.sandbox_status) == "RUNNING"
end

--- Notes that somebody has spoken: for a moment the service may still tell how it stood before.
---@param memory openhands.Memory
---@param now number monotonic, seconds
---@param words string? of a message that has certainly arrived
function M.spoken(memory, now, words)
  memory.spoken_at, memory.spoken_words, memory.was_spoken_to = now, words, true
  memory.question_before, memory.question = memory.question, nil
  memory.events_after, memory.events_pause, memory.events_seen = nil, nil, nil
end

--- Notes that the agent has taken up what was said last: what the service tells is of that, from now on.
---@param memory openhands.Memory
function M.heard(memory)
  memory.running, memory.spoken_at = true, nil
end

-- Seconds since an ISO 8601 moment in UTC by the wall clock, nil if it cannot be read.
local function age(created_at, wall_clock)
  ---@type any, any, any, any, any, any
  local year, month, day, hour, minute, second =
    tostring(created_at):match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)")
  if not year then
    return nil
  end
  year, month = tonumber(year), tonumber(month)
  if month < 3 then -- a year that begins in March has its odd day at its end
    year, month = year - 1, month + 12
  end
  local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  local days = 365 * year + leap_days + math.floor((153 * month - 457) / 5) + tonumber(day) - 719469
  return wall_clock - (((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60 + tonumber(second))
end

---@return openhands.State state
---@return boolean settled
local function judge_v0(answer, memory, now, grace, wall_clock)
  local status = upper(answer.status)
  if status ~= "STOPPED" then
    memory.restarts = nil
  end
  if status == "RUNNING" then
    if not memory.running then
      memory.events_after, memory.events_pause = nil, nil -- how rarely they were worth reading was of a runtime not up
    end
    memory.running = true
    return "running", false
  elseif status == "STARTING" then
    return "starting", false
  elseif status == "ERROR" then
    return "failed", true
  elseif status == "ARCHIVED" then
    return "gone", true
  elseif status ~= "STOPPED" then
    return "unknown", false
  elseif memory.running then
    return "stopped", true
  end
  -- STOPPED is also the first thing the service says of a fresh conversation.
  local lifetime
  if memory.started_at then
    lifetime = now - memory.started_at
  else
    lifetime = age(answer.created_at, wall_clock) or now - memory.first_seen
  end
  if lifetime and lifetime >= START_GRACES * grace then
    return "stopped", true
  end
  return "starting", false
end

--- Judges an answer about a conversation and notes in `memory` what later judgements need.
---@param api "v0"|"v1"
---@param answer table
---@param memory openhands.Memory
---@param now number monotonic, seconds
---@param grace number seconds
---@param wall_clock integer|false seconds since 1970, for the age of a V0 conversation
---@return openhands.State state
---@return boolean settled whether waiting longer makes no sense
function M.judge(api, answer, memory, now, grace, wall_clock)
  local state, settled
  memory.first_seen = memory.first_seen or now
  if api == "v0" or upper(answer.sandbox_status) ~= "MISSING" then
    M.present(memory)
  end
  if api == "v1" then
    state, settled = judge_v1(answer, memory, now, grace)
    memory.is_doubted = settled and is_old(answer, memory, now, grace) or false
    if memory.is_doubted then
      state, settled = "running", false
    end
  else
    state, settled = judge_v0(answer, memory, now, grace, wall_clock)
  end
  memory.state = state
  return state, settled
end

-- What the agent of a V0 conversation says of itself, by its own word. What is not here works, or is about to.
local by_agent_state = {
  FINISHED = "finished",
  AWAITING_USER_CONFIRMATION = "waiting",
  ERROR = "failed",
  REJECTED = "failed",
  STOPPED = "stopped",
  PAUSED = "paused",
}

-- How the work of a V0 conversation ended, by the agent's last word before somebody stopped it; nil if it did not. An
-- agent that waits for somebody to speak has finished, if it has worked before: its turn has ended with a message.
local function end_of_work(ending)
  local word = upper(ending.state_before or ending.agent_state)
  if word == "AWAITING_USER_INPUT" then
    return ending.agent_acted and "finished" or nil
  elseif word == "FINISHED" or word == "ERROR" or word == "REJECTED" then
    return by_agent_state[word]
  end
end

--- The same for the events of a V0 conversation: its status does not say whether the agent works.
---@param ending openhands.Ending
---@param memory openhands.Memory
---@return openhands.State state
---@return boolean settled
function M.judge_ending(ending, memory)
  local state
  if ending.crowded_out then
    state = "stopped"
  elseif not ending.unread then
    state = end_of_work(ending) or by_agent_state[upper(ending.agent_state)]
  end
  memory.state = state or "running"
  return memory.state, state ~= nil
end

--- The same where the runtime is down: it may not be up yet, or the work may have ended before it went.
---@param ending openhands.Ending
---@param memory openhands.Memory
---@return openhands.State? state nil: the events say no more than the status
---@return boolean settled
function M.judge_ending_when_down(ending, memory)
  local state = not ending.crowded_out and not ending.unread and end_of_work(ending)
  if not state and (ending.crowded_out or ending.agent_acted) then
    state = "stopped" -- in the middle of its work
  end
  memory.state = state or memory.state
  return state or nil, true
end

--- The same for a V1 start task: before it is ready the conversation exists nowhere else.
---@param task table
---@return openhands.State state
---@return boolean settled
function M.judge_task(task)
  if upper(task.status) == "ERROR" then
    return "failed", true
  end
  return "starting", false -- READY too: the agent has not been seen yet
end

return M
