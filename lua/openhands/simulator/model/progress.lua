--- Applies the script of a conversation as time passes: changes its fields and stores its events.
local events = require "openhands.simulator.model.events"
local timestamps = require "openhands.simulator.encoding.timestamps"
local uuid = require "openhands.simulator.encoding.uuid"

local M = {}

--- Builds events and stores them.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@param at number virtual time, seconds
---@param name string of a builder in events.lua
---@param ... any its arguments
function M.emit(model, conversation, at, name, ...)
  for offset, event in ipairs(events[conversation.api][name](conversation, ...)) do
    local time = model.options.epoch + at + offset * 0.001
    if conversation.history then
      event.id = uuid.dashed(model:new_id())
      conversation.events[#conversation.events + 1] = event
      conversation.history:append(event, time)
    else
      event.id, event.timestamp = #conversation.events, timestamps.naive(time)
      conversation.events[#conversation.events + 1] = event
    end
  end
end

local function title_of(prompt)
  local words = prompt:gsub("%[simulate:[^%]]*%]", ""):gsub("[ \t\r\n]+", " "):gsub("^ ", "")
  return words == "" and "Simulated work" or words:sub(1, 50)
end

-- Records the state of a start task, so that a stream of the task contains every state.
local function record_task_state(conversation)
  conversation.task_states[#conversation.task_states + 1] = {
    task_status = conversation.task_status, task_detail = conversation.task_detail,
    sandbox_status = conversation.sandbox_status, ready_at = conversation.ready_at,
    updated_at = conversation.updated_at,
  }
end

-- Emits the queued messages of a conversation that has become ready. As in the service, they are found only under two
-- keys: `task-` with the id of the start task, and the dashed id of the conversation.
local function deliver_queued(model, conversation, at)
  for _, key in ipairs { "task-" .. tostring(conversation.task_id), uuid.dashed(conversation.id) } do
    for _, text in ipairs(model.pending[key] or {}) do
      M.emit(model, conversation, at, "message", text)
    end
    model.pending[key] = nil
  end
end

local function apply(model, conversation, step)
  local event = step.event
  if event then
    M.emit(model, conversation, step.at, event[1], event[2], event[3])
  end
  for name, value in pairs(step.changes) do
    if name == "titled" then
      conversation.title = title_of(conversation.prompt)
    else
      conversation[name] = value or nil
    end
  end
  conversation.updated_at = step.at
  if conversation.task_status == "READY" and not conversation.ready_at then
    conversation.ready_at = step.at
    deliver_queued(model, conversation, step.at)
  end
  if step.changes.task_status then
    record_task_state(conversation)
  end
  local status = conversation.execution_status
  if conversation.api == "v1" and step.changes.execution_status and status ~= conversation.emitted_status then
    conversation.emitted_status = status
    M.emit(model, conversation, step.at + 0.01, "state", status)
  end
end

--- Applies the steps that are due.
---@param model openhands.simulator.Model
---@param conversation openhands.simulator.Conversation
---@return boolean has_more whether steps are left
function M.apply_due(model, conversation)
  local now = model:time()
  local step = conversation.steps[conversation.next_step]
  while step and step.at <= now do
    apply(model, conversation, step)
    conversation.next_step = conversation.next_step + 1
    step = conversation.steps[conversation.next_step]
  end
  return step ~= nil
end

return M
