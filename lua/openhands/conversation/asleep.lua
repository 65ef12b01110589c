--- Tells how the work of a conversation ended that sleeps: its sandbox was paused since, or (V0) its runtime is down.
--- Its status does not say whether the agent had finished before; its events do.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local results = require "openhands.conversation.result"
local states = require "openhands.conversation.state"

local M = {}

local CONCURRENCY = 4 -- readings at the same time: the service slows down more than ten requests a second
local FIRST_PAUSE, LONGEST_PAUSE = 4, 60 -- seconds between two readings of events that say "stopped"

--- Returns whether a conversation sleeps, as far as its status tells.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@return boolean
function M.is_asleep(client, conversation)
  if conversation.api == "v0" then
    return states.is_down(conversation, client:_remember(conversation.conversation_id))
  end
  return conversation.state == "paused" and core.upper(tostring(conversation.sandbox_status)) == "PAUSED"
end

local ends = { finished = "finished", error = "failed", stuck = "failed" }

--- Returns the state in which the work of a V1 conversation ended, as the agent has reported it; nil if it did not. An
--- agent that is idle after a message of its own has ended its turn with that message.
---@param result openhands.Result
---@return openhands.State?
function M.reported_end(result)
  local has_told = result.execution == "idle" and result.agent_acted and result.answer ~= nil
  return has_told and "finished" or ends[result.execution]
end

-- Returns whether a result is that of the turn that this client's latest message began: the events show a message some
-- time after it was sent.
local function is_of_latest_turn(result, memory)
  if not memory.message_text then
    return memory.message_at == nil
  elseif memory.earlier_question_id then
    return result.question_id ~= memory.earlier_question_id
  end
  return result.question_text == memory.message_text
end

-- Returns what changes in the status of a conversation that has been awake.
local function print_of(conversation)
  return ("%s %s %s"):format(tostring(conversation.status), tostring(conversation.updated_at),
    tostring(conversation.last_updated_at))
end

-- Notes the state that the events have told. "stopped" (V0) may be out of date: it is read again, ever more rarely, for
-- a while.
local function note_end(client, conversation, memory)
  local state, status, before = conversation.state, print_of(conversation), memory.slept_end
  memory.slept_end = nil
  if state == "finished" or state == "failed" then
    memory.slept_end = { state = state, status = status }
  elseif state == "stopped" then
    local last = before and before.status == status and before.pause or FIRST_PAUSE / 2
    ---@type number
    local pause = math.min(LONGEST_PAUSE, 2 * last)
    memory.slept_end = { state = state, status = status, pause = pause, due_at = client._loop.now() + pause }
  end
end

--- Applies a result to a conversation that sleeps: the state in which its work ended, with the answer or the failure.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param result openhands.Result
function M.apply(client, conversation, result)
  local memory = client:_remember(conversation.conversation_id)
  if conversation.api == "v0" then
    states.apply_result(conversation, result, memory)
  else
    local state = is_of_latest_turn(result, memory) and M.reported_end(result) or conversation.state
    conversation.state, memory.state = state, state
    states.add_to_settled(conversation, result)
  end
  note_end(client, conversation, memory)
end

-- Applies the end that was read before, if the conversation sleeps as it did then. Returns whether nothing else is to
-- be read now.
local function recall(client, conversation, memory)
  local slept = memory.slept_end
  if slept and slept.status == print_of(conversation) then
    conversation.state, conversation.settled, memory.state = slept.state, true, slept.state
    return not slept.due_at or slept.pause >= LONGEST_PAUSE or client._loop.now() < slept.due_at
  end
  return false
end

--- Reads the events of a conversation that sleeps, and applies them. A failure to read them is no error: the status is
--- known.
---@param client openhands.Client
---@param conversation openhands.Conversation
---@param call openhands.Call
function M.update(client, conversation, call)
  local result = results.read(client, conversation, call)
  if result then
    M.apply(client, conversation, result)
  end
end

--- Finds, of the conversations of a list, those that sleep and whose work had ended before; makes that their state.
--- Reads the events of each once, if they tell the end; otherwise again, ever more rarely, since they may come late.
---@param list openhands.Conversation[]
---@param is_known boolean? only what is known from an earlier call, without a request
function Client:_find_ends(list, is_known)
  local readings = {}
  for _, conversation in ipairs(list) do
    if M.is_asleep(self, conversation) then
      local memory = self:_remember(conversation.conversation_id)
      local is_told = recall(self, conversation, memory) or is_known
      if not is_told and results.is_worth_reading(self, conversation, memory) then
        readings[#readings + 1] = function()
          M.update(self, conversation, self:_begin "get")
          return true
        end
      end
    end
  end
  if readings[1] then
    self:all(readings, { concurrency = CONCURRENCY })
  end
end

return M
