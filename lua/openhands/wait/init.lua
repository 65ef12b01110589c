--- Waits until conversations settle: one, all or the first of several.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local pollers = require "openhands.wait.poller"
local single_waits = require "openhands.wait.single_wait"
local starts = require "openhands.start"

local seconds = { "timeout", "interval", "answer_timeout", "outage_timeout" }

-- The options of a wait that are not settings; for `run`, also the options of a start.
local option_names, option_names_of_run = { on_change = true }, { on_change = true }

for _, name in ipairs(seconds) do
  option_names[name], option_names_of_run[name] = true, true
end
for name in pairs(starts.option_names) do
  option_names_of_run[name] = true
end

local no_options = {}

-- Returns the options that a caller has given. Raises if one is malformed.
local function checked(caller, options)
  options = options or no_options
  for _, field in ipairs(seconds) do
    local value = options[field]
    if value ~= nil and (type(value) ~= "number" or value < 0 or value ~= value) then
      errors.raise(("%s: '%s' must be a number of seconds, at least 0"):format(caller, field))
    end
  end
  if options.on_change ~= nil and type(options.on_change) ~= "function" then
    errors.raise(("%s: 'on_change' must be a function, not a %s"):format(caller, type(options.on_change)))
  end
  return options
end

-- Waits for one conversation in a group of its own.
local function wait(client, id, latest, call, options)
  local group = pollers.group(client, options.timeout or single_waits.LONGEST)
  local course = single_waits.new(client, group, id, latest, call, options)
  while not course:advance() do
    client._poller:await(group)
  end
  return course.conversation, course.err
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
--- which the answer, or the reason of the failure, is requested (default 40: services learn of it late).
--- `outage_timeout`: an outage of that many seconds ends the wait (default 900), e.g. web pages instead of responses;
--- an unreachable service ends it only for an id that this client has not seen. `on_change`: function, called with the
--- conversation and its previous state
---@return openhands.Conversation? conversation with `answer`
---@return openhands.Error? err
function Client:wait(subject, options)
  local call = Client._begin(self, "wait", options, option_names)
  local id = self:_id_of(subject, "wait")
  options = checked("wait", options)
  local latest = getmetatable(subject) == self._conversation and subject or nil
  ---@cast latest openhands.Conversation?
  return wait(self, id, latest, call, options)
end

--- Starts a conversation and waits until it settles.
---@param fields openhands.StartFields
---@param options openhands.WaitOptions|openhands.StartOptions|nil as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:run(fields, options)
  local call = Client._begin(self, "run", options, option_names_of_run)
  local own = checked("run", options)
  local rest, how = starts.split("run", fields, options)
  local conversation, err = starts.start(self, rest, call, how)
  if not conversation then
    return nil, err
  end
  return wait(self, conversation.conversation_id, conversation, call, own)
end

-- ---- several -------------------------------------------------------------------------------------------------------

-- Returns the ids in a list of different conversations. Raises if the caller has given something else.
local function ids_of(client, subjects, name)
  if type(subjects) ~= "table" or getmetatable(subjects) == client._conversation then
    local found = type(subjects) == "table" and "conversation" or type(subjects)
    errors.raise(("%s: needs a list of conversations or their ids, not a %s"):format(name, found))
  elseif #subjects == 0 and (name == "wait_any" or next(subjects) ~= nil) then
    errors.raise(name .. ": the list of conversations is empty")
  end
  local ids, places = {}, {}
  for place, subject in ipairs(subjects) do
    local id = client:_id_of(subject, ("%s: number %d"):format(name, place))
    local key = identifiers.normalize(id)
    if places[key] then
      errors.raise(("%s: items %d and %d of the list are the same conversation"):format(name, places[key], place))
    end
    places[key], ids[place] = place, id
  end
  for place in pairs(subjects) do
    if ids[place] == nil then
      errors.raise(("%s: the list of conversations has a hole, or the key '%s'"):format(name, tostring(place)))
    end
  end
  return ids
end

-- Creates a wait for each conversation, in one group.
local function begin(client, subjects, name, options)
  local call = Client._begin(client, name, options, option_names)
  options = checked(name, options)
  local ids, waits = ids_of(client, subjects, name), {}
  local group = pollers.group(client, options.timeout or single_waits.LONGEST)
  for place, id in ipairs(ids) do
    local subject = subjects[place]
    local latest = getmetatable(subject) == client._conversation and subject or nil
    ---@cast latest openhands.Conversation?
    waits[place] = single_waits.new(client, group, id, latest, call, options)
  end
  return group, waits
end

-- Returns the last known status of each conversation; false if it was never seen.
local function last_seen(waits)
  local list = {}
  for place, course in ipairs(waits) do
    list[place] = course.conversation or course.latest or false
  end
  return list
end

-- Returns one error for several waits: of the kind of the first that failed, else of the first that timed out.
local function joined_error(name, waits, summary)
  ---@type table<integer, openhands.Error>, integer, openhands.Wait?, boolean
  local own, count, first, retryable = {}, 0, nil, true
  for place, course in ipairs(waits) do
    if course.err then
      own[place], count = course.err, count + 1
      retryable = retryable and course.err.retryable
      if not first or (first.has_timed_out and not course.has_timed_out) then
        first = course
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
    message = ("%s: %s: %s"):format(name, summary:format(count, #waits), first.err.message),
    conversations = last_seen(waits),
    errors = own,
  }
end

-- Advances every wait that has not ended. Returns whether some still have not ended.
local function advance_all(waits)
  local goes_on = false
  for _, course in ipairs(waits) do
    goes_on = not (course.has_ended or course:advance()) or goes_on
  end
  return goes_on
end

--- Waits until all of several conversations settle. If some do not, `err.conversations` has the last known status
--- of each (`false` if never seen), and `err.errors` has the reasons. Both are indexed by the place in the list. After
--- the timeout, the answers of the conversations that settled in time are still read.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation[]? conversations in the order given
---@return openhands.Error? err
function Client:wait_all(subjects, options)
  local group, waits = begin(self, subjects, "wait_all", options)
  while advance_all(waits) do
    self._poller:await(group)
  end
  for _, course in ipairs(waits) do
    if course.err then
      return nil, joined_error("wait_all", waits, "%d of %d conversations have not settled")
    end
  end
  return last_seen(waits)
end

-- Returns the place of the first conversation that has settled or cannot be waited for. If there is none, returns nil
-- and whether some waits go on.
local function advance_any(waits)
  local goes_on = false
  for place, course in ipairs(waits) do
    if not course.has_ended and course:advance() and not course.has_timed_out then
      return place, true
    end
    goes_on = goes_on or not course.has_ended
  end
  return nil, goes_on
end

--- Waits until the first of several conversations settles, or one cannot be waited for.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error|integer|nil place in the list, or the error
---@return integer? place with an error: of the conversation that cannot be waited for
function Client:wait_any(subjects, options)
  local group, waits = begin(self, subjects, "wait_any", options)
  local place, goes_on = advance_any(waits)
  while goes_on and not place do
    self._poller:await(group)
    place, goes_on = advance_any(waits)
  end
  for _, course in ipairs(waits) do
    self._poller:remove(course.entry)
  end
  local first = place and waits[place]
  if not first then
    return nil, joined_error("wait_any", waits, "none of %d conversations has settled")
  elseif first.err then
    return nil, first.err, place
  end
  return first.conversation, place
end
