--- Follows the events of a conversation as they come: each once, in the service's order, until it settles.

local errors = require "openhands.errors"
local limits = require "openhands.limits"
local pages = require "openhands.api.pages"
local results = require "openhands.conversation.result"
local schedule = require "openhands.wait.schedule"
local states = require "openhands.conversation.state"

local M = {}

local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 1, 10, 1.3 -- seconds between polls for new events
-- Polls in a row without events, after which a settled conversation is not polled again: its last events may come late.
local EMPTY_POLLS = 2

---@class openhands.Followed: openhands.Pages
---@field conversation openhands.Conversation? as it was last seen; at the end it has settled
---@field private _client openhands.Client
---@field private _collection openhands.Pages
---@field private _id string of the conversation
---@field private _call table
---@field private _interval number? seconds between polls, as the caller wants it
---@field private _pause number seconds until the next poll
---@field private _deadline_at number monotonic moment
---@field private _empty_polls integer polls without events in a row, after it has settled
---@field private _failed_polls integer polls in a row that failed
---@field private _settled boolean
---@field private _outage_since number? monotonic moment
local methods = {}

local Followed = { __index = methods, __name = "openhands.Followed" }

--- Creates a reading that follows the events of a collection.
---@param client openhands.Client
---@param collection openhands.Pages
---@param id string of the conversation
---@param call table
---@param deadline_at number monotonic moment
---@param interval number? seconds between polls, as the caller wants it
---@return openhands.Followed
function M.new(client, collection, id, call, deadline_at, interval)
  interval = schedule.interval(interval)
  return setmetatable({
    _client = client,
    _collection = collection,
    _id = id,
    _call = call,
    _interval = interval,
    _pause = interval or FIRST_INTERVAL,
    _deadline_at = deadline_at,
    _empty_polls = 0,
    _failed_polls = 0,
    _settled = false,
    _items = {},
    _position = 0,
  }, Followed)
end

local function timed_out(self)
  return errors.new {
    kind = "timeout",
    operation = "events",
    retryable = true,
    conversation_id = self._id,
    conversation = self.conversation,
    message = ("events: conversation %s goes on; its events can be followed from the last one with 'after'"):format(
      self._id
    ),
  }
end

-- Notes an error. Returns whether to try again: an outage may be temporary, or the conversation's absence is not
-- confirmed yet. For a known conversation, an unreachable service always counts as a temporary outage.
local function note_error(self, err)
  local client, now, memory = self._client, self._client._loop.now(), self._client:_remember(self._id)
  local is_known = memory.first_seen or memory.started_at
  local outage = errors.outage_of(err, memory.api or client._api, memory.first_seen ~= nil)
  if outage then
    self._outage_since = self._outage_since or now
    return outage == "unreached" and is_known or now - self._outage_since < limits.OUTAGE_TIMEOUT
  end
  -- It existed: one response without it does not prove that it is gone.
  return err.kind == "not_found" and is_known and not states.note_absence(memory, now, self._call.grace) or false
end

-- Called when there are no new events, or they could not be read: finds out whether more can come. Returns true if no
-- more can come.
---@return boolean has_ended
---@return openhands.Error? err
local function check_end(self)
  if self._settled then
    self._empty_polls = self._empty_polls + 1
    return self._empty_polls >= EMPTY_POLLS
  end
  local client = self._client
  local call = client:_fresh(self._call, schedule.poll_deadline(self._call, self._deadline_at, client._loop.now()))
  local conversation, err = client:_status(self._id, call)
  if not conversation then
    ---@cast err openhands.Error
    return false, errors.rename(err, "events")
  end
  if conversation.api == "v0" then -- V1's status was checked against the events already
    results.update(client, conversation, call)
  end
  self.conversation, self._settled, self._outage_since = conversation, conversation.settled, nil
  return false
end

-- Sleeps until the next poll is due, or the time is over.
local function pause(self, err)
  local client = self._client
  local regular = self._settled and math.min(self._pause, FIRST_INTERVAL) or self._pause
  local seconds = math.max(regular, schedule.retry_after(err))
  client:_sleep(math.min(seconds, self._deadline_at - client._loop.now()))
  self._pause = self._interval or math.min(LAST_INTERVAL, self._pause * GROWTH)
end

--- Waits for events and returns the new ones.
---@return table[]? events nil when the conversation has settled and all were returned
---@return openhands.Error? err
function methods:page()
  pages.check_receiver(self, "page")
  while not self._ended do
    local was_settled = self._settled
    if self._client._loop.now() >= self._deadline_at + self._call.deadline then
      return nil, timed_out(self) -- the service sends pages without end
    end
    local items, err = self._collection:page()
    local goes_on = not err or note_error(self, err)
    if items then
      self._pause, self._empty_polls, self._failed_polls = self._interval or FIRST_INTERVAL, 0, 0
      self._outage_since = nil
      return items
    elseif not err then
      self._failed_polls = 0
      self._ended, err = check_end(self)
      goes_on = not err or note_error(self, err)
    elseif goes_on then
      self._failed_polls = self._failed_polls + 1
      if self._settled and self._failed_polls > EMPTY_POLLS then
        return nil, err -- there is nothing else to wait for
      elseif not self._settled then
        local _, problem = check_end(self) -- the events may be unreadable because it has ended
        err, goes_on = problem or err, not problem or note_error(self, problem)
      end
    end
    if not goes_on then
      return nil, err
    end
    local is_over = self._client._loop.now() >= self._deadline_at
    if is_over and self._settled and not err then
      self._ended = was_settled -- there was a poll after it settled
    elseif is_over then
      return nil, timed_out(self)
    elseif not self._ended and self._settled == was_settled then
      pause(self, err)
    end
    self._collection:_look_again() -- at once if it has just settled: events may have come before that
  end
  return nil
end

function Followed:__tostring()
  local seen = self.conversation
  local progress = self._ended and "all events were read" or "it may go on"
  return ("openhands.Followed (events of conversation %s%s: %s)"):format(self._id, seen and ", " .. seen.state or "",
    progress)
end

methods.next = pages.next_of_page
methods.all = pages.all_of_next
Followed.__call = pages.call_next

return M
