--- The events of a conversation as they come: each once, in the order in which the service has them, until it settles.

local endings = require "openhands.conversation.result_check"
local errors = require "openhands.errors"
local pages = require "openhands.api.pages"
local states = require "openhands.conversation.state"
local troubles = require "openhands.request.trouble"

local M = {}

local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 1, 10, 1.3 -- seconds between looks for new events
local SHORTEST_INTERVAL = 0.01 -- whatever the caller asks for
local LONGEST_RETRY_AFTER = 120 -- seconds; the service's wish, but not for hours
local EMPTY_LOOKS = 2 -- in a row, once it has settled: events reach the store a moment after what they tell of

local LAST_LOOK = 1 -- seconds that a request may take beyond the reader's own time

---@class openhands.Followed: openhands.Pages
---@field conversation openhands.Conversation? as it was last seen; at the end it has settled
---@field private _client openhands.Client
---@field private _collection openhands.Pages
---@field private _id string of the conversation
---@field private _call table
---@field private _interval number? seconds between looks, as the caller wants it
---@field private _pause number seconds until the next look
---@field private _deadline_at number monotonic moment
---@field private _empty_looks integer so many in a row
---@field private _failed_looks integer so many in a row
---@field private _settled boolean
---@field private _trouble_since number? monotonic moment
local methods = {}

local Followed = { __index = methods, __name = "openhands.Followed" }

--- The settings of one look, with time as a call of its own would have it, within the reader's.
---@param client openhands.Client
---@param call table
---@param deadline_at number monotonic moment
---@return table call
function M.look(client, call, deadline_at)
  local now = client:_now()
  return client:_fresh(call, math.min(now + call.deadline, math.max(now, deadline_at) + LAST_LOOK))
end

---@param client openhands.Client
---@param collection openhands.Pages
---@param id string of the conversation
---@param call table
---@param deadline_at number monotonic moment
---@param interval number? seconds between looks, as the caller wants it
---@return openhands.Followed
function M.new(client, collection, id, call, deadline_at, interval)
  interval = interval and math.max(interval, SHORTEST_INTERVAL)
  return setmetatable({
    _client = client,
    _collection = collection,
    _id = id,
    _call = call,
    _interval = interval,
    _pause = interval or FIRST_INTERVAL,
    _deadline_at = deadline_at,
    _empty_looks = 0,
    _failed_looks = 0,
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

-- Whether anything has ever been told of the conversation.
local function is_known(self)
  local memory = self._client:_remember(self._id)
  return memory.first_seen or memory.started_at
end

-- Whether an error may pass by itself, and has not lasted for so long that it is the answer.
local function passes(self, err)
  local client, now = self._client, self._client:_now()
  local trouble = troubles.of(client, self._id, err)
  if trouble then
    self._trouble_since = self._trouble_since or now
    return trouble == "unreached" and is_known(self) or now - self._trouble_since < troubles.LONGEST
  end
  -- It was there, and is not shown now: once is not an end.
  local may_come = err.kind == "not_found" and is_known(self)
  return may_come and not states.absence_confirmed(client:_remember(self._id), now, self._call.grace) or false
end

-- All that there was is told: sees whether more can come. True at the end.
local function has_ended(self)
  if self._settled then
    self._empty_looks = self._empty_looks + 1
    return self._empty_looks >= EMPTY_LOOKS
  end
  local call = M.look(self._client, self._call, self._deadline_at)
  local conversation, err = self._client:_status(self._id, call)
  if not conversation then
    return false, err
  end
  if conversation.api == "v0" then -- for V1 whoever reads the status has looked there
    endings.add(self._client, conversation, call)
  end
  self.conversation, self._settled, self._trouble_since = conversation, conversation.settled, nil
  return false
end

-- Waits until the next look is due, as far as there is time.
local function pause(self, err)
  local client = self._client
  local wanted = err and err.retry_after and math.min(err.retry_after, LONGEST_RETRY_AFTER) or 0
  local seconds = math.max(self._settled and math.min(self._pause, FIRST_INTERVAL) or self._pause, wanted)
  client:_sleep(math.min(seconds, self._deadline_at - client:_now()))
  self._pause = self._interval or math.min(LAST_INTERVAL, self._pause * GROWTH)
end

--- The next events, as many as have come; waits for them.
---@return table[]? events nil when the conversation has settled and all are told
---@return openhands.Error? err
function methods:page()
  pages.check_receiver(self, "page")
  while not self._ended do
    local settled = self._settled
    if self._client:_now() >= self._deadline_at + self._call.deadline then
      return nil, timed_out(self) -- pages without an end
    end
    local items, err = self._collection:page()
    if items then
      self._pause, self._empty_looks, self._failed_looks = self._interval or FIRST_INTERVAL, 0, 0
      self._trouble_since = nil
      return items
    elseif not err then
      self._failed_looks = 0
      self._ended, err = has_ended(self)
    elseif passes(self, err) then
      self._failed_looks = self._failed_looks + 1
      if self._settled and self._failed_looks > EMPTY_LOOKS then
        return nil, err -- there is nothing else to wait for
      elseif not self._settled then
        local _, problem = has_ended(self) -- what cannot be read may be over
        err = problem or err
      end
    end
    if err and not passes(self, err) then
      return nil, err
    end
    local is_over = self._client:_now() >= self._deadline_at
    if is_over and self._settled and not err then
      self._ended = settled -- one look has been after it settled
    elseif is_over then
      return nil, timed_out(self)
    elseif not self._ended and self._settled == settled then
      pause(self, err)
    end
    self._collection:_look_again() -- at once, when it has just settled: events may have come before it did
  end
  return nil
end

methods.next = pages.next_of_page
methods.all = pages.all_of_next
Followed.__call = pages.call_next

return M
