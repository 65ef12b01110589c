--- When a conversation's events are read in search of its end, and what follows from them for how it stands.

local ascii = require "openhands.ascii"
local outcomes = require "openhands.conversation.result"
local states = require "openhands.conversation.state"

local M = {}

local FIRST_PAUSE, LONGEST_PAUSE = 4, 60 -- seconds between two readings of the same events
local PASSING = { connect = true, timeout = true, throttled = true }

--- What the events of a settled conversation should tell, if they tell anything.
M.wanted = { finished = "answer", failed = "failure" }

-- What V1's agent says of itself when it does not go on by itself.
local ended = { finished = true, error = true, stuck = true, waiting_for_confirmation = true, paused = true }

local function is_idle(conversation)
  local execution = conversation.execution_status
  return conversation.api == "v1" and type(execution) == "string" and ascii.lower(execution) == "idle"
end

local function is_doubted(client, conversation)
  local memory = client:_remember(conversation.conversation_id)
  return conversation.api == "v1" and memory.spoken_at ~= nil and memory.spoken_words ~= nil and memory.is_doubted
end

--- Whether a V0 conversation's runtime is down: it may not be up yet, or the work may have ended. Where this client has
--- it start again, its events tell of the time before.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@return boolean
function M.is_down(client, conversation)
  local status = conversation.api == "v0" and conversation.status
  return status == "STOPPED" and not client:_remember(conversation.conversation_id).restarts
end

--- Whether its events may tell an end that its status hides: V1's agent may have begun and ended between two looks, or
--- have answered a message already, and V0's status never tells.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@return boolean
function M.is_possible(client, conversation)
  if conversation.api == "v0" then
    return conversation.state == "running" or M.is_down(client, conversation)
  elseif conversation.settled then
    return false
  end
  return is_idle(conversation) or is_doubted(client, conversation)
end

-- Whether the events tell of the end of the turn that this client's latest message began. What the service shows may
-- lack that message: then the one before stands in its place, which is known from an earlier reading.
local function tells_of_answer(ending, memory)
  local is_ours = ending.asked == memory.spoken_words
  local is_new = ending.is_own or memory.question_before ~= nil and ending.question ~= memory.question_before
  local has_ended = ending.answer ~= nil
  if ending.execution then
    has_ended = ended[ending.execution] or false
  end
  return is_ours and is_new and has_ended
end

--- Judges a conversation again, by its events.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param ending openhands.Ending
---@return boolean is_outdated whether the status has to be asked for again: V1's agent has been at work, and nobody
--- knows whether that was before its status was read or since
function M.judge(client, conversation, ending)
  local memory = client:_remember(conversation.conversation_id)
  if conversation.api == "v0" then
    local judge = M.is_down(client, conversation) and states.judge_ending_when_down or states.judge_ending
    local state, settled = judge(ending, memory)
    if state then
      conversation.state, conversation.settled = state, settled
      memory.events_after, memory.events_pause = nil, nil -- its status will not tell the next time either
    end
    M.tell(conversation, ending)
    return false
  end
  if is_doubted(client, conversation) then
    local is_answered = tells_of_answer(ending, memory)
    if is_answered then
      states.heard(memory)
    end
    return is_answered
  end
  local is_news = ending.agent_acted and not memory.running or false
  memory.running = memory.running or ending.agent_acted
  return is_news
end

--- Adds to a settled conversation what only its events tell.
---@param conversation openhands.Conversation
---@param ending openhands.Ending
function M.tell(conversation, ending)
  if conversation.settled then
    conversation.answer = ending.answer
    conversation.detail = conversation.detail
      or ending.crowded_out
      or conversation.state == "failed" and ending.failure
      or nil
    conversation.classification = conversation.state == "failed" and ending.classification or nil
  end
end

local function appearance(conversation)
  local status, changed, cost = conversation.status, conversation.updated_at, conversation.cost
  return ("%s %s %s"):format(tostring(status), tostring(changed), tostring(cost))
end

--- Whether reading its events may tell anything: they have changed, or have not been read for a while, and the service
--- does not refuse to show them.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@return boolean
function M.is_worth_reading(client, conversation)
  local memory = client:_remember(conversation.conversation_id)
  return is_doubted(client, conversation)
    or not memory.events_after
    or client:_now() >= memory.events_after
    or memory.events_seen ~= nil and memory.events_seen ~= appearance(conversation)
end

-- Notes when the events are worth another reading. What a V0 service shows of a runtime that is up, it shows at every
-- look.
local function space_out(client, conversation, err)
  local memory = client:_remember(conversation.conversation_id)
  if conversation.api == "v0" and not M.is_down(client, conversation) and (not err or PASSING[err.kind]) then
    memory.events_after, memory.events_pause = nil, nil
    return
  end
  memory.events_pause = math.min(LONGEST_PAUSE, (memory.events_pause or FIRST_PAUSE / 2) * 2)
  memory.events_after = client:_now() + memory.events_pause
  memory.events_seen = not err and appearance(conversation) or nil
end

--- Reads how it ended.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param call table
---@return openhands.Ending? ending, openhands.Error?
function M.read(client, conversation, call)
  local wanted = M.wanted[conversation.state]
  local ending, err = outcomes.ending(client, conversation.conversation_id, call, conversation.api, wanted)
  local memory = client:_remember(conversation.conversation_id)
  if ending and not memory.spoken_at then
    memory.question = ending.question
  end
  space_out(client, conversation, err)
  return ending, err
end

--- Reads how a V0 conversation stands by its events, if they may tell. That they cannot be read is no error.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param call table
---@param insists boolean? whether they are read however often they have been
function M.add(client, conversation, call, insists)
  if M.is_possible(client, conversation) and (insists or M.is_worth_reading(client, conversation)) then
    local ending = M.read(client, conversation, call)
    if ending then
      M.judge(client, conversation, ending)
    end
  end
end

return M
