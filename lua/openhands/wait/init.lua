--- Waits for one conversation: takes what the poller delivers until the conversation has settled, the wait is out of
--- time, or an error ends it. The poller sends the requests.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local deferred = require "openhands.deferred"
local asleep = deferred.module "openhands.conversation.asleep"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local lookups = require "openhands.conversation.lookup"
local pollers = require "openhands.wait.poller"
local progresses = deferred.module "openhands.display.progress"
local results = require "openhands.conversation.result"
local starts = require "openhands.start"
local states = require "openhands.conversation.state"

local M = {}

--- Seconds that a wait may take if the caller sets no `timeout`: the service ends every running session after twelve
--- hours.
M.DEFAULT_TIMEOUT = 43200

local MOST_UNREAD = 3 -- polls in a row whose events are too large to be read; then the wait ends with an error
local ANSWER_TIMEOUT = 40 -- seconds; events reach the service up to half a minute after the agent has ended
local FIRST_RESULT_PAUSE = 1 -- seconds between the first two readings of a result
local FIRST_LOOK_PAUSE = 5 -- seconds between the first two looks at one that sleeps: its events may tell its end late

---@class openhands.Wait
---@field has_ended boolean? it has a `conversation`, or an `err`
---@field has_timed_out boolean?
---@field conversation openhands.Conversation? once it has settled
---@field err openhands.Error?
---@field latest openhands.Conversation? as it was seen last
---@field entry openhands.PollEntry the poller's entry for it
---@field believes_pauses boolean? it ends at once with one that sleeps: its caller looks again
---@field private _client openhands.Client
---@field private _id string of the conversation
---@field private _options openhands.WaitOptions
---@field private _unread_count integer polls in a row whose events were too large to be read
---@field private _outage openhands.Error? reason why the last poll did not get the status
---@field private _outage_since number? monotonic moment
---@field private _is_asleep boolean? its sandbox is paused, and its events may show that its work had ended before
---@field private _sleeper { conversation: openhands.Conversation, since: number, pause: number }? it fell asleep, and
--- its events have told no end since that monotonic moment; `pause`: seconds to the next look
---@field private _settled_at number? monotonic moment of the first reading of its result
---@field private _result_pause number? seconds from the last reading of its result to the next
local Wait = {}
Wait.__index = Wait

--- Returns a group for waits.
---@param client openhands.Client
---@param options openhands.WaitOptions
---@return openhands.WaitGroup
function M.group(client, options)
  local group = pollers.group(client, options.timeout or M.DEFAULT_TIMEOUT)
  group.shown = options.show and progresses.new(client._loop.now) or nil
  return group
end

--- Creates a wait for a conversation, as an entry of a group.
---@param client openhands.Client
---@param group openhands.WaitGroup
---@param id string
---@param latest openhands.Conversation? as the caller has it
---@param call table settings of the call
---@param options openhands.WaitOptions
---@return openhands.Wait
function M.new(client, group, id, latest, call, options)
  local entry = client._poller:add(group, id, latest, call, options.interval)
  if group.shown then
    group.shown:add(entry, latest or { conversation_id = id })
  end
  return setmetatable({
    latest = latest, entry = entry, _client = client, _id = id, _options = options, _unread_count = 0,
  }, Wait)
end

-- Keeps the conversation as it was just seen. Calls the caller's `on_change` if the state has changed, but not after a
-- cancellation or `close`: calls of the client would fail in it.
function Wait:_note(conversation)
  local previous, on_change, shown = self.latest, self._options.on_change, self.entry.group.shown
  self.latest = conversation
  if shown then
    shown:see(self.entry, conversation)
  end
  if on_change and not (previous and previous.state == conversation.state) and not self._client:_is_given_up() then
    local group = self.entry.group
    group.is_away = true -- its entries are not polled while the function runs, or after it has raised
    on_change(conversation, previous and previous.state)
    group.is_away = nil
  end
end

function Wait:_end(conversation, err)
  self.has_ended, self.conversation, self.err = true, conversation, err
  local shown = self.entry.group.shown
  if shown and conversation then
    shown:see(self.entry, conversation, true)
  end
  if err then
    errors.rename(err, "wait")
    err.conversation_id, err.conversation = self._id, self.latest
  end
  self._client._poller:remove(self.entry)
end

-- ---- settled -------------------------------------------------------------------------------------------------------

-- Returns whether to request the events of a settled conversation, for its answer or the reason of its failure.
function Wait:_needs_result(conversation)
  local result = self.entry.result
  if conversation.api == "v0" then
    local memory = self._client:_remember(conversation.conversation_id)
    return not result and results.is_due(self._client, conversation, memory)
  elseif result and result[states.wanted[conversation.state]] then
    return false
  end
  local was_never_up = conversation.sandbox_id == nil or not conversation.execution_status and conversation.detail
  return not (conversation.state == "failed" and was_never_up)
end

function Wait:_settle(conversation)
  if self.entry.result then -- read in the same lookup
    states.add_to_settled(conversation, self.entry.result)
  end
  if self:_needs_result(conversation) then
    self._client._poller:request_result(self.entry, 0)
  else
    self:_end(conversation)
  end
end

-- Returns the seconds until the result is read again; nil for V0, for a complete or unreadable result, and once the
-- time for it is over (`answer_timeout`, or that of the wait). The conversation's own server always has the
-- complete result.
function Wait:_pause_before_result(result, wanted)
  local now, timeout = self._client._loop.now(), self._options.answer_timeout or ANSWER_TIMEOUT
  local first = math.min(FIRST_RESULT_PAUSE, self.entry.interval or FIRST_RESULT_PAUSE)
  self._settled_at = self._settled_at or now
  self._result_pause = self._result_pause and 2 * self._result_pause or first
  local left = math.min(self._settled_at + timeout, self.entry.group.deadline_at) - now
  local is_complete = not result or result.from_own_server or result.too_large or not wanted or result[wanted]
  local may_come = self.entry.latest.api == "v1" and not is_complete
  return may_come and left > 0 and math.min(self._result_pause, left) or nil
end

-- Schedules another look at a conversation that fell asleep while this client watched, unless the time for that is over
-- (`answer_timeout`, or that of the wait): the events of its end may come late.
function Wait:_looks_again(conversation)
  local entry, now, options = self.entry, self._client._loop.now(), self._options
  local is_believed = self.believes_pauses or self._client:_remember(self._id).is_paused_by_us
  if is_believed or not self.latest or self.latest.settled then
    return false
  end
  local last, first = self._sleeper, math.min(FIRST_LOOK_PAUSE, entry.interval or FIRST_LOOK_PAUSE)
  local since, pause = last and last.since or now, last and 2 * last.pause or first
  local left = math.min(since + (options.answer_timeout or ANSWER_TIMEOUT), entry.group.deadline_at) - now
  self._sleeper = { conversation = conversation, since = since, pause = pause }
  if left > 0 then
    self._client._poller:request_status(entry, math.min(pause, left))
  end
  return left > 0
end

-- Takes a failure of such a look, or the end of the wait's time (nil): what was seen before counts.
function Wait:_take_failed_look(err)
  local conversation = self._sleeper.conversation
  if not (err and errors.outage_of(err, "v1", true) and self:_looks_again(conversation)) then
    self:_note(conversation)
    self:_end(conversation)
  end
end

-- Takes the result of a settled conversation. A result that cannot be read is not an error.
function Wait:_take_result()
  local conversation, result = self.entry.latest, self.entry.result
  ---@cast conversation openhands.Conversation
  if result and self._is_asleep then
    asleep.apply(self._client, conversation, result)
  elseif result then
    states.add_to_settled(conversation, result)
  end
  if self._is_asleep then
    self._is_asleep = nil
    if conversation.state == "paused" and not self.entry.err and self:_looks_again(conversation) then
      return
    end
    self:_note(conversation)
  end
  local pause = self:_pause_before_result(result, states.wanted[conversation.state])
  if pause then
    self._client._poller:request_result(self.entry, pause)
  else
    self:_end(conversation)
  end
end

-- ---- errors --------------------------------------------------------------------------------------------------------

function Wait:_time_out()
  if self._sleeper then
    return self:_take_failed_look()
  elseif self.entry.conversation then
    self:_note(self.entry.conversation) -- its lookup has not ended, but this much is known
  end
  self.has_timed_out = true
  local outage = self._outage
  local seen = outage and ("the service could not tell: %s"):format(outage.message)
    or self.latest and self.latest.state
    or "unknown"
  self:_end(nil, errors.new {
    kind = "timeout", operation = "wait", retryable = true, cause = outage and outage.kind,
    message = ("wait: conversation %s has not settled in %g s (%s); it goes on; wait again or look at its page"):format(
      self._id, self._options.timeout or M.DEFAULT_TIMEOUT, seen),
  })
end

-- Takes an error that says nothing about the conversation. Such errors end the wait when they have lasted too long. An
-- unreachable service never ends it if the conversation is known to exist.
function Wait:_take_outage(err, kind, memory)
  local now = self._client._loop.now()
  self._outage, self._outage_since = err, self._outage_since or now
  local is_known = self.latest or memory.first_seen or memory.started_at
  local timeout = self._options.outage_timeout or limits.OUTAGE_TIMEOUT
  if not (kind == "unreached" and is_known) and now - self._outage_since >= timeout then
    self:_end(nil, err)
  end
end

function Wait:_take_error(err)
  local client = self._client
  local memory = client:_remember(self._id)
  local outage = errors.outage_of(err, memory.api or client._api, memory.first_seen ~= nil)
  if outage then
    self:_take_outage(err, outage, memory)
  elseif err.kind == "not_found" and not memory.deleted
    and (memory.started_at or memory.first_seen or self.latest) then
    -- It existed: one response without it does not prove that it is gone.
    if states.note_absence(memory, self.entry.last_polled, self.entry.grace) then
      self:_end(nil, err)
    end
  else
    self:_end(nil, err)
  end
end

-- Takes the outcome of reading the events besides the status. Events that are too large may hide the end for good,
-- unless newer events show it.
function Wait:_take_unread(err)
  self.entry.too_large = nil
  if self.entry.result then
    self._unread_count = 0
  elseif err then
    self._unread_count = self._unread_count + 1
    if self._unread_count >= MOST_UNREAD then
      self:_end(nil, err)
    end
  end
end

-- ---- every poll ----------------------------------------------------------------------------------------------------

function Wait:_take_status()
  local entry = self.entry
  local conversation = entry.conversation
  if not conversation then
    if self._sleeper and entry.err then
      return self:_take_failed_look(entry.err)
    end
    return self:_take_error(entry.err or lookups.unknown(self._id))
  end
  self._outage, self._outage_since = nil, nil
  self._is_asleep = conversation.state == "paused" and asleep.is_asleep(self._client, conversation)
  if not self._is_asleep then -- else its events tell first how its work ended
    self._sleeper, entry.deadline_at = nil, entry.group.deadline_at
    self:_note(conversation)
  end
  if conversation.settled then
    self:_settle(conversation)
  elseif entry.result or entry.too_large then
    self:_take_unread(entry.too_large)
  end
end

--- Takes a delivery. Ends the wait if there is none and the wait is out of time.
---@return boolean? has_ended
function Wait:advance()
  local news = self.entry.news
  self.entry.news = nil
  if news == "result" then
    self:_take_result()
  elseif news then
    self:_take_status()
  elseif self._client._poller:is_over(self.entry) then
    self:_time_out()
  end
  return self.has_ended
end

-- ---- the calls -----------------------------------------------------------------------------------------------------

local seconds = { "timeout", "interval", "answer_timeout", "outage_timeout" }

--- The options of a wait that are not settings.
M.option_names = { on_change = true, show = true }

local option_names_of_run = { on_change = true, show = true } -- with the options of a start

for _, name in ipairs(seconds) do
  M.option_names[name], option_names_of_run[name] = true, true
end
for name in pairs(starts.option_names) do
  option_names_of_run[name] = true
end

local no_options = {}

--- Returns the options that a caller has given. Raises if one is malformed.
---@param caller string name of the call, for the message
---@param options table?
---@return openhands.WaitOptions
function M.checked(caller, options)
  options = options or no_options
  for _, field in ipairs(seconds) do
    local value = options[field]
    if value ~= nil and (type(value) ~= "number" or value < 0 or value ~= value) then
      errors.raise(("%s: '%s' must be a number of seconds, at least 0"):format(caller, field))
    end
  end
  if options.on_change ~= nil and type(options.on_change) ~= "function" then
    errors.raise(("%s: 'on_change' must be a function, not a %s"):format(caller, type(options.on_change)))
  elseif options.show ~= nil and type(options.show) ~= "boolean" then
    errors.raise(("%s: 'show' must be true or false, not a %s"):format(caller, type(options.show)))
  end
  return options
end

-- Waits for one conversation in a group of its own.
local function wait(client, id, latest, call, options)
  local group = M.group(client, options)
  local single = M.new(client, group, id, latest, call, options)
  while not single:advance() do
    client._poller:await(group)
  end
  if group.shown then
    group.shown:finish()
  end
  if single.err then
    return nil, single.err
  end
  return single.conversation
end

--- Waits until a conversation settles: finished, failed, waiting for a person, paused, stopped or gone. After a
--- "timeout" the job goes on; `err.conversation` is its last known status.
---
--- All waits of a client share their requests, about one a second at most; a wait with an `interval` is exempt from
--- this limit. On V0 the end of the work is read from the events: an agent that has worked and waits for user input
--- counts as `finished`. If the service does not show the events, only the end of the runtime can be seen (`stopped`).
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.WaitOptions? and settings of this call. `timeout`: seconds to wait (default 12 hours); the
--- last poll may take one second more. `interval`: seconds between polls. `answer_timeout`: seconds after the end for
--- which the answer, or the reason of the failure, is requested (default 40: services learn of it late), and after a
--- pause that this wait has seen, whether the work had ended before.
--- `outage_timeout`: an outage of that many seconds ends the wait (default 900), e.g. web pages instead of responses;
--- an unreachable service ends it only for an id that this client has not seen. `on_change`: function, called with the
--- conversation and its previous state. `show`: true to show how it goes on, on standard error: on a terminal in a line
--- that changes, elsewhere in a line for each new state. It sends no requests
---@return openhands.Conversation? conversation with `answer`
---@return openhands.Error? err
function Client:wait(subject, options)
  local call = Client._begin(self, "wait", options, M.option_names)
  local id = self:_id_of(subject, "wait")
  options = M.checked("wait", options)
  local latest = getmetatable(subject) == self._conversation and subject or nil
  ---@cast latest openhands.Conversation?
  return wait(self, id, latest, call, options)
end

--- Starts a conversation and waits until it settles.
---@param fields openhands.StartFields
---@param options openhands.WaitOptions|openhands.StartOptions|nil as for `start` and `wait`; `timeout` counts from the
--- end of the start
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:run(fields, options)
  local call = Client._begin(self, "run", options, option_names_of_run)
  local wait_options = M.checked("run", options)
  local rest, how = starts.split("run", fields, options)
  local conversation, err = starts.start(self, rest, call, how, "run", option_names_of_run)
  if not conversation then
    return nil, err
  end
  return wait(self, conversation.conversation_id, conversation, call, wait_options)
end

return M
