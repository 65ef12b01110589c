--- When a conversation's events are read in search of its end, and what follows from them for how it stands.

local outcomes = require "openhands.outcome"
local states = require "openhands.state"

local M = {}

local FIRST_PAUSE, LONGEST_PAUSE = 4, 60 -- seconds between two readings of the same events
local PASSING = { connect = true, timeout = true, throttled = true }

local function is_idle(conversation)
  local execution = conversation.execution_status
  return conversation.api == "v1" and type(execution) == "string" and execution:lower() == "idle"
end

--- Whether its events may tell an end that its status hides: V1's agent may have begun and ended between two looks, and
--- V0's status never tells.
---@param conversation openhands.Conversation
---@return boolean
function M.is_possible(conversation)
  if conversation.settled then
    return false
  end
  return is_idle(conversation) or conversation.api == "v0" and conversation.state == "running"
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
    conversation.state, conversation.settled = states.judge_ending(ending, memory)
    M.tell(conversation, ending)
    return false
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
  end
end

local function appearance(conversation)
  return ("%s %s"):format(tostring(conversation.updated_at), tostring(conversation.cost))
end

--- Whether reading its events may tell anything: they have changed, or have not been read for a while, and the service
--- does not refuse to show them.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@return boolean
function M.is_worth_reading(client, conversation)
  local memory = client:_remember(conversation.conversation_id)
  return not memory.events_after
    or client:_now() >= memory.events_after
    or memory.events_seen ~= nil and memory.events_seen ~= appearance(conversation)
end

-- Notes when the events are worth another reading. What a V0 service shows, it shows at every look.
local function space_out(client, conversation, err)
  local memory = client:_remember(conversation.conversation_id)
  if conversation.api == "v0" and (not err or PASSING[err.kind]) then
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
---@return openhands.Ending? ending, integer requests, openhands.Error?
function M.read(client, conversation, call)
  local ending, err = outcomes.ending(client, conversation.conversation_id, call, conversation.api)
  space_out(client, conversation, err)
  return ending, ending and ending.requests or 1, err
end

return M
