--- Reports the progress of a start. The service streams the states of the start task. If the stream is cut after the
--- task is known, or a lookup has found the start, the task is polled instead.

local conversations = require "openhands.conversation"
local core = require "openhands.core"
local errors = require "openhands.errors"

local M = {}

local INTERVAL = 2 -- seconds between polls of a start task whose stream was cut

local ended = { READY = true, ERROR = true }

--- The progress of one start.
---@class openhands.StartProgress
---@field latest openhands.Conversation? the latest state that the listener got
---@field status string? the last status of the start task
---@field private _client openhands.Client
---@field private _listener fun(conversation: openhands.Conversation)
---@field private _err openhands.Error? why the last state could not be read
local methods = {}

local Progress = { __index = methods }

--- Creates the progress of a start that has not been sent yet.
---@param client openhands.Client
---@param listener fun(conversation: openhands.Conversation) called with each state. An error in it ends the call; the
--- start goes on
---@return openhands.StartProgress
function M.new(client, listener)
  return setmetatable({ _client = client, _listener = listener }, Progress)
end

-- Stores a state of the task, and calls the listener if the state is new. Calls `on_accepted` with the first state.
function methods:_take_state(task, id, on_accepted)
  if type(task) ~= "table" then
    return
  end
  local status = type(task.status) == "string" and core.upper(task.status) or "UNKNOWN"
  local conversation, err = conversations.from_task(self._client, task, id, true)
  if not conversation then
    self._err = err
    return
  end
  local is_new = status ~= self.status
  if on_accepted and not self.latest then
    on_accepted(conversation)
  end
  self.latest, self.status = conversation, status
  if is_new and not self._client:_is_given_up() then -- the listener may have closed the client
    self._listener(conversation)
  end
end

-- Polls the start task until it has ended, the service has not shown it for the grace time, or the time of the call is
-- over. Returns its latest state even after an error, because the service has the start already.
function methods:_poll(id, call)
  local client = self._client
  local unseen_since
  while not ended[self.status] do
    local list, err = client:_read("start_tasks.get", client:_remember(id).start_task_id, call, "v1")
    local task = list and list[1]
    if type(task) == "table" then
      unseen_since = nil
      self:_take_state(task, id)
    elseif list then -- the service shows the task with a delay
      unseen_since = unseen_since or client:_now()
    end
    local is_lost = unseen_since and client:_now() - unseen_since >= call.grace
    local is_late = client:_now() + INTERVAL >= call.deadline_at
    if is_lost or is_late or client:_is_given_up() or err and not err.retryable then
      break
    elseif not ended[self.status] then
      client:_sleep(INTERVAL)
    end
  end
  return self.latest
end

--- Sends the start. Returns when its task has ended, or the time of the call is over.
---@param fields table
---@param call table
---@param on_accepted fun(conversation: openhands.Conversation) called with the first state, before the listener
---@return openhands.Conversation? conversation
---@return openhands.Error? err the same as of a start without a stream
function methods:send(fields, call, on_accepted)
  local client, id, taken = self._client, fields.conversation_id, 0
  local list, err = client:_exchange("start_streaming", fields, call, "v1", {
    on_news = function(_, states)
      while states[1] do
        taken = taken + 1
        self:_take_state(table.remove(states, 1), id, on_accepted)
      end
    end,
  })
  for i = taken + 1, list and #list or 0 do
    self:_take_state(list[i], id, on_accepted)
  end
  if self.latest then
    return self:_poll(id, call)
  end
  if err then
    return nil, errors.rename(err, "start")
  end
  return nil, self._err or errors.protocol("start", "the service's stream holds no start task")
end

--- Reports the progress of a start that a lookup has found.
---@param conversation openhands.Conversation
---@param id string under which it was looked for
---@param call table
---@return openhands.Conversation conversation when its task has ended, or the time of the call is over
function methods:follow(conversation, id, call)
  local memory = self._client:_remember(id)
  self.latest = conversation
  if memory.listed or not memory.start_task_id then
    self._listener(conversation) -- it has started already
    return conversation
  end
  return self:_poll(id, call) --[[@as openhands.Conversation]]
end

return M
