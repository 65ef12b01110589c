--- Waiting until a conversation settles.

local errors = require "openhands.errors"
local events = require "openhands.events"
local states = require "openhands.state"

local M = {}

local LONGEST_WAIT = 43200 -- seconds; the service ends every running session after twelve hours
local STARTING_INTERVAL = 2 -- seconds between looks while a conversation starts
local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 5, 30, 1.1
local JITTER = 0.2 -- share of an interval
local SHORTEST_INTERVAL = 0.01 -- whatever the caller asks for
local LONGEST_RETRY_AFTER = 120 -- seconds; the service's wish, but not for hours
local LAST_LOOK = 1 -- seconds that a look may take beyond the wait's own time
local MOST_MISREAD = 3 -- unreadable answers in a row before they are taken seriously
local ANSWER_LOOKS = 3 -- events reach the store a moment after the agent has ended

-- Errors that pass: the job runs on whatever happens between us and the service.
local passing = { connect = true, timeout = true, server = true, throttled = true }

---@class openhands.Wait: the course of one wait
local Wait = {}
Wait.__index = Wait

function Wait:interval()
  if self.options.interval then
    return math.max(self.options.interval, SHORTEST_INTERVAL)
  elseif self.latest and self.latest.state == "starting" then
    return STARTING_INTERVAL
  end
  local interval = self.steady
  self.steady = math.min(LAST_INTERVAL, interval * GROWTH)
  return interval * (1 - JITTER + 2 * JITTER * self.call.random())
end

--- Sleeps until the next look; false if there is no time for one.
function Wait:pause(least)
  local seconds = math.max(self:interval(), least or 0)
  local left = self.deadline_at - self.client:_now()
  if left <= 0 then
    return false
  end
  self.client:_sleep(math.min(seconds, left))
  return true
end

function Wait:note(conversation)
  local previous = self.latest
  self.latest = conversation
  if self.options.on_change and (not previous or previous.state ~= conversation.state) then
    self.options.on_change(conversation, previous and previous.state)
  end
end

-- Each look has its own deadline, within the wait's.
function Wait:fresh_call()
  local now = self.client:_now()
  local deadline = math.min(now + self.call.deadline, math.max(now, self.deadline_at) + LAST_LOOK)
  return setmetatable({ deadline_at = deadline }, { __index = self.call })
end

--- Adds what only the events tell. Their absence is no error: the conversation has settled all the same.
function Wait:complete(conversation)
  if conversation.api ~= "v1" or conversation.sandbox_id == nil and conversation.state == "failed" then
    return conversation
  end
  local wanted = conversation.state == "finished" and "answer" or conversation.state == "failed" and "failure"
  for look = 1, ANSWER_LOOKS do
    local ending = events.ending(self.client, conversation.conversation_id, self:fresh_call())
    if ending then
      conversation.answer = ending.answer
      if conversation.state == "failed" then
        conversation.detail = conversation.detail or ending.failure
      end
    end
    if not wanted or not ending or ending[wanted] or look == ANSWER_LOOKS then
      break
    end
    self.client:_sleep(math.min(1, self.options.interval or 1))
  end
  return conversation
end

function Wait:ended_early(err)
  err.conversation_id = self.id
  err.conversation = self.latest
  return nil, err
end

function Wait:timed_out()
  local state = self.latest and self.latest.state or "unknown"
  return self:ended_early(errors.new {
    kind = "timeout",
    operation = "wait",
    retryable = true,
    message = ("wait: conversation %s has not settled in %g s (%s); it goes on, wait again or look at its page"):format(
      self.id,
      self.options.timeout or LONGEST_WAIT,
      state
    ),
  })
end

-- A conversation that was there and is not listed now: once is not an end.
function Wait:missing(err)
  local memory = self.client:_remember(self.id)
  local known = memory.started_at or self.latest
  if not known or states.absence_confirmed(memory, self.client:_now(), self.call.grace) then
    return self:ended_early(err)
  end
end

--- One look; returns the settled conversation, or nil, or nil and an error that ends the wait.
function Wait:look()
  local conversation, err = self.client:_status(self.id, self:fresh_call())
  if conversation then
    self.misread, self.least = 0, nil
    self:note(conversation)
    if conversation.settled then
      return self:complete(conversation)
    end
    return nil
  end
  self.least = err.retry_after and math.min(err.retry_after, LONGEST_RETRY_AFTER)
  if passing[err.kind] then
    -- An id that nobody has ever told anything of may as well be asked for at the wrong place.
    if not self.latest and not self.client:_remember(self.id).first_seen then
      return self:ended_early(err)
    end
    return nil
  elseif err.kind == "not_found" then
    return self:missing(err)
  elseif err.kind == "protocol" then
    self.misread = self.misread + 1
    if self.misread < MOST_MISREAD then
      return nil
    end
  end
  return self:ended_early(err)
end

--- Waits until a conversation settles, or the wait's own time is over.
---@param client openhands.Client
---@param id string
---@param latest openhands.Conversation? as the caller has it
---@param call table settings of this call
---@param options table `timeout`, `interval` (seconds), `on_change`
---@return openhands.Conversation? conversation, openhands.Error?
function M.wait(client, id, latest, call, options)
  local wait = setmetatable({
    client = client,
    id = id,
    call = call,
    options = options,
    latest = latest,
    deadline_at = client:_now() + (options.timeout or LONGEST_WAIT),
    steady = FIRST_INTERVAL,
    misread = 0,
  }, Wait)
  repeat
    local conversation, err = wait:look()
    if conversation or err then
      return conversation, err
    end
  until not wait:pause(wait.least)
  return wait:timed_out()
end

return M
