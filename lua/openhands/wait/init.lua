--- Waiting until conversations settle: what the course of a wait is, whoever looks.

local conversations = require "openhands.conversation"
local endings = require "openhands.conversation.result_check"
local errors = require "openhands.errors"
local lookup = require "openhands.conversation.lookup"
local states = require "openhands.conversation.state"
local troubles = require "openhands.request.trouble"
local watches = require "openhands.wait.poller"

local M = {}

local LONGEST_WAIT = 43200 -- seconds; the service ends every running session after twelve hours
local MOST_UNREAD = 3 -- answers in a row that are too large, before they are taken seriously
local ANSWER_TIMEOUT = 40 -- seconds; events reach the service up to half a minute after the agent has ended

--- The course of one wait.
---@class openhands.Wait
---@field ended boolean? it has a `result`, or an `err`
---@field expired boolean? it ended for want of time
---@field result openhands.Conversation?
---@field err openhands.Error?
---@field client openhands.Client
---@field id string of the conversation
---@field options openhands.WaitOptions
---@field latest openhands.Conversation? as it was seen last
---@field entry openhands.Entry what the poller of the client knows of it
---@field unread integer answers in a row that were too large
---@field trouble openhands.Error? why the last look told nothing
---@field trouble_since number? monotonic moment
---@field settled_at number? monotonic moment at which its end was first asked for
---@field ending_pause number? seconds between the last two looks for its end
local Wait = {}
Wait.__index = Wait

function Wait:note(conversation)
  local previous = self.latest
  self.latest = conversation
  local is_given_up = self.client:_is_given_up() -- whatever the listener would call raises now
  local is_new = not previous or previous.state ~= conversation.state
  if self.options.on_change and is_new and not is_given_up then
    local party = self.entry.party
    party.away = true -- nobody needs to ask for us while the caller's function runs, or if it raises
    self.options.on_change(conversation, previous and previous.state)
    party.away = nil
  end
end

function Wait:end_with(result, err)
  self.ended, self.result, self.err = true, result, err
  if err then
    err.conversation_id, err.conversation = self.id, self.latest
  end
  self.client._watch:leave(self.entry)
end

-- Whether the events of a conversation that has settled are worth a request: for its answer, or why it failed.
function Wait:needs_ending(conversation)
  local found = self.entry.ending
  if conversation.api == "v0" then
    return not found and endings.is_worth_reading(self.client, conversation)
  elseif found and found[endings.wanted[conversation.state]] then
    return false
  end
  return not (conversation.sandbox_id == nil and conversation.state == "failed")
end

function Wait:settle(conversation)
  if self.entry.ending then -- read in the same look
    endings.tell(conversation, self.entry.ending)
  end
  if self:needs_ending(conversation) then
    self.client._watch:ask_ending(self.entry, 0)
  else
    self:end_with(conversation)
  end
end

-- Seconds until the next look for what the events have not told; nil if that will not help, or has taken long enough.
-- What the conversation's own server does not tell, nobody will.
function Wait:pause_before_ending(ending, needed)
  local now = self.client:_now()
  self.settled_at = self.settled_at or now
  self.ending_pause = self.ending_pause and 2 * self.ending_pause or math.min(1, self.options.interval or 1)
  local ends_at = self.settled_at + (self.options.answer_timeout or ANSWER_TIMEOUT)
  local left = math.min(ends_at, self.entry.party.deadline_at) - now
  local is_whole = not ending or ending.is_own or ending.too_large or not needed or ending[needed]
  local may_come = self.entry.latest.api == "v1" and not is_whole
  return may_come and left > 0 and math.min(self.ending_pause, left) or nil
end

-- Adds what only the events tell. Their absence is no error: the conversation has settled all the same.
function Wait:take_ending()
  local conversation, ending = self.entry.latest, self.entry.ending
  ---@cast conversation openhands.Conversation
  if ending then
    endings.tell(conversation, ending)
  end
  local pause = self:pause_before_ending(ending, endings.wanted[conversation.state])
  if pause then
    self.client._watch:ask_ending(self.entry, pause)
  else
    self:end_with(conversation)
  end
end

-- How it was seen last, or why it was not.
function Wait:last_words()
  local trouble = self.trouble and ("the service could not tell: %s"):format(self.trouble.message)
  return trouble or self.latest and self.latest.state or "unknown"
end

function Wait:time_out()
  if self.entry.conversation then
    self:note(self.entry.conversation) -- the look had not ended, but this much it had seen
  end
  self.expired = true
  self:end_with(nil, errors.new {
    kind = "timeout",
    operation = "wait",
    retryable = true,
    cause = self.trouble and self.trouble.kind,
    message = ("wait: conversation %s has not settled in %g s (%s); it goes on, wait again or look at its page"):format(
      self.id,
      self.options.timeout or LONGEST_WAIT,
      self:last_words()
    ),
  })
end

-- A conversation that was there and is not listed now: once is not an end.
function Wait:missing(err)
  local memory = self.client:_remember(self.id)
  local known = memory.started_at or self.latest
  if not known or states.absence_confirmed(memory, self.client:_now(), self.entry.grace) then
    self:end_with(nil, err)
  end
end

-- Trouble that may pass, and has not lasted for so long that it is the answer. What was seen once is there: that the
-- service cannot be reached says nothing of it.
function Wait:is_passing(err, trouble)
  local memory, now = self.client:_remember(self.id), self.client:_now()
  self.trouble, self.trouble_since = err, self.trouble_since or now
  if trouble == "unreached" and (self.latest or memory.first_seen or memory.started_at) then
    return true
  end
  return now - self.trouble_since < (self.options.outage_timeout or troubles.LONGEST)
end

function Wait:take_error(err)
  local trouble = troubles.of(self.client, self.id, err)
  if trouble and self:is_passing(err, trouble) then
    return
  elseif not trouble and err.kind == "not_found" then
    self:missing(err)
  else
    self:end_with(nil, err)
  end
end

function Wait:take_look()
  local conversation, err = self.entry.conversation, self.entry.err
  if not conversation then
    return self:take_error(err or lookup.unknown(self.id))
  end
  self.trouble, self.trouble_since = nil, nil
  self:note(conversation)
  if conversation.settled then
    self:settle(conversation)
  else
    self:take_ending_error()
  end
end

-- Events that are too large to be read may hide the end for good; newer ones may tell it all the same.
function Wait:take_ending_error()
  local err = self.entry.too_large
  self.entry.too_large = nil
  if self.entry.ending then
    self.unread = 0
  elseif err then
    self.unread = self.unread + 1
    if self.unread >= MOST_UNREAD then
      self:end_with(nil, err)
    end
  end
end

--- Takes what has come, if anything has, or ends because its time is over.
---@return boolean? ended
function Wait:advance()
  local news = self.entry.news
  self.entry.news = nil
  if news == "ending" then
    self:take_ending()
  elseif news then
    self:take_look()
  elseif self.client._watch:is_over(self.entry) then
    self:time_out()
  end
  return self.ended
end

local function begin(client, party, subject, call, options)
  return setmetatable({
    client = client,
    id = subject.id,
    options = options,
    latest = subject.latest,
    unread = 0,
    entry = client._watch:join(party, subject.id, subject.latest, call, options.interval),
  }, Wait)
end

local function party_of(client, options)
  return watches.party(client, options.timeout or LONGEST_WAIT)
end

--- Waits until a conversation settles, or the wait's own time is over.
---@param client openhands.Client
---@param id string
---@param latest openhands.Conversation? as the caller has it
---@param call table settings of this call
---@param options table `timeout`, `interval`, `answer_timeout`, `outage_timeout` (seconds), `on_change`
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.wait(client, id, latest, call, options)
  local party = party_of(client, options)
  local wait = begin(client, party, { id = id, latest = latest }, call, options)
  while not wait:advance() do
    client._watch:await(party)
  end
  return wait.result, wait.err
end

-- ---- several -----------------------------------------------------------------------------------------------------

-- The ids in what a caller gave, which must be a list of different conversations.
local function subjects_of(client, subjects, name)
  if type(subjects) ~= "table" or getmetatable(subjects) == client._conversation then
    local found = type(subjects) == "table" and "conversation" or type(subjects)
    errors.raise(("%s: needs a list of conversations or their ids, not a %s"):format(name, found))
  elseif #subjects == 0 and (name == "wait_any" or next(subjects) ~= nil) then
    errors.raise(name .. ": the list of conversations is empty")
  end
  local list, places = {}, {}
  for place, subject in ipairs(subjects) do
    local id = client:_id_of(subject, ("%s: number %d"):format(name, place))
    local key = conversations.same_id(id)
    if places[key] then
      errors.raise(("%s: numbers %d and %d are the same conversation"):format(name, places[key], place))
    end
    places[key] = place
    list[place] = { id = id, latest = getmetatable(subject) == client._conversation and subject or nil }
  end
  for place in pairs(subjects) do
    if list[place] == nil then
      errors.raise(("%s: the list of conversations has a hole, or the key '%s'"):format(name, tostring(place)))
    end
  end
  return list
end

local function begin_all(client, subjects, call, options, name)
  local list = subjects_of(client, subjects, name)
  local party, waits = party_of(client, options), {}
  for place, subject in ipairs(list) do
    waits[place] = begin(client, party, subject, call, options)
  end
  return party, waits
end

-- How each was seen last; false: never.
local function last_seen(waits)
  local list = {}
  for place, wait in ipairs(waits) do
    list[place] = wait.result or wait.latest or false
  end
  return list
end

-- The one error of several waits: of the kind of the first that failed, or else of those that had no time.
local function joined_error(name, waits, summary)
  ---@type table<integer, openhands.Error>, integer, openhands.Wait?, boolean
  local own, all, first, retryable = {}, 0, nil, true
  for place, wait in ipairs(waits) do
    if wait.err then
      own[place], all = wait.err, all + 1
      retryable = retryable and wait.err.retryable
      if not first or (first.expired and not wait.expired) then
        first = wait
      end
    end
  end
  return errors.new {
    kind = first.err.kind,
    operation = name,
    retryable = retryable,
    status = first.err.status,
    retry_after = first.err.retry_after,
    detail = first.err.detail,
    message = ("%s: %s: %s"):format(name, summary:format(all, #waits), first.err.message),
    conversations = last_seen(waits),
    errors = own,
  }
end

-- Whether there are still some that go on.
local function advance_all(waits)
  local goes_on = false
  for _, wait in ipairs(waits) do
    goes_on = not (wait.ended or wait:advance()) or goes_on
  end
  return goes_on
end

--- Waits until all settle.
---@param client openhands.Client
---@param subjects (string|openhands.Conversation)[]
---@param call table settings of this call
---@param options table as for `wait`
---@return openhands.Conversation[]? conversations
---@return openhands.Error? err
function M.all(client, subjects, call, options)
  local party, waits = begin_all(client, subjects, call, options, "wait_all")
  local failed = false
  while advance_all(waits) do
    client._watch:await(party)
  end
  for _, wait in ipairs(waits) do
    failed = failed or wait.err ~= nil
  end
  if failed then
    return nil, joined_error("wait_all", waits, "%d of %d conversations have not settled")
  end
  return last_seen(waits)
end

-- The place of the first that has settled, or cannot be waited for; else whether there are some that go on.
local function advance_any(waits)
  local goes_on = false
  for place, wait in ipairs(waits) do
    if not wait.ended and wait:advance() and not wait.expired then
      return place, true
    end
    goes_on = goes_on or not wait.ended
  end
  return nil, goes_on
end

--- Waits until the first settles.
---@param client openhands.Client
---@param subjects (string|openhands.Conversation)[]
---@param call table settings of this call
---@param options table as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error|integer|nil place in the list; or why there is none
---@return integer? place of the one that cannot be waited for
function M.any(client, subjects, call, options)
  local party, waits = begin_all(client, subjects, call, options, "wait_any")
  local place, goes_on = advance_any(waits)
  while goes_on and not place do
    client._watch:await(party)
    place, goes_on = advance_any(waits)
  end
  for _, wait in ipairs(waits) do
    client._watch:leave(wait.entry)
  end
  local first = place and waits[place]
  if not first then
    return nil, joined_error("wait_any", waits, "none of %d conversations has settled")
  elseif first.err then
    return nil, first.err, place
  end
  return first.result, place
end

return M
