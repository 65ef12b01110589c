--- Waits for several conversations together: for all of them, or for the first that settles.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local waiting = require "openhands.wait"

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

-- Creates a wait for each conversation, in one group. Also returns the place of each entry's wait.
local function begin(client, subjects, name, options)
  local call = Client._begin(client, name, options, waiting.option_names)
  options = waiting.checked(name, options)
  local ids, waits, places = ids_of(client, subjects, name), {}, {}
  local group = waiting.group(client, options)
  for place, id in ipairs(ids) do
    local subject = subjects[place]
    local latest = getmetatable(subject) == client._conversation and subject or nil
    ---@cast latest openhands.Conversation?
    waits[place] = waiting.new(client, group, id, latest, call, options)
    places[waits[place].entry] = place
  end
  return group, waits, places
end

-- Leaves what was shown of the waits on the screen.
local function finish(group)
  if group.shown then
    group.shown:finish()
  end
end

-- Returns the last known status of each conversation; false if it was never seen.
local function last_seen(waits)
  local list = {}
  for place, wait in ipairs(waits) do
    list[place] = wait.conversation or wait.latest or false
  end
  return list
end

-- Returns one error for several waits: of the kind of the first that failed, else of the first that timed out.
local function joined_error(name, waits, summary)
  ---@type table<integer, openhands.Error>, integer, openhands.Wait?, boolean
  local own, count, first, retryable = {}, 0, nil, true
  for place, wait in ipairs(waits) do
    if wait.err then
      own[place], count = wait.err, count + 1
      retryable = retryable and wait.err.retryable
      if not first or (first.has_timed_out and not wait.has_timed_out) then
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
    message = ("%s: %s: %s"):format(name, summary:format(count, #waits), first.err.message),
    conversations = last_seen(waits),
    errors = own,
  }
end

-- Advances the waits of the given entries, or all waits. If `for_first`, ends at the first that has settled or failed,
-- and returns its place.
local function advance(waits, places, entries, for_first)
  for number = 1, entries and #entries or #waits do
    local place = entries and places[entries[number]] or number
    local wait = waits[place]
    if not wait.has_ended and wait:advance() and for_first and not wait.has_timed_out then
      return place
    end
  end
end

--- Waits until all of several conversations settle. If some do not, `err.conversations` has the last known status
--- of each (`false` if never seen), and `err.errors` has the reasons. Both are indexed by the place in the list. After
--- the timeout, the answers of the conversations that settled in time are still read.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation[]? conversations in the order given
---@return openhands.Error? err
function Client:wait_all(subjects, options)
  local group, waits, places = begin(self, subjects, "wait_all", options)
  while group.count > 0 do
    advance(waits, places, self._poller:await(group))
  end
  finish(group)
  for _, wait in ipairs(waits) do
    if wait.err then
      return nil, joined_error("wait_all", waits, "%d of %d conversations have not settled")
    end
  end
  return last_seen(waits)
end

--- Waits until the first of several conversations settles, or one cannot be waited for.
---@param subjects (string|openhands.Conversation)[] ids, or conversations, of either dialect
---@param options openhands.WaitOptions? as for `wait`
---@return openhands.Conversation? conversation
---@return openhands.Error|integer|nil place in the list, or the error
---@return integer? place with an error: of the conversation that cannot be waited for
function Client:wait_any(subjects, options)
  local group, waits, places = begin(self, subjects, "wait_any", options)
  local place
  while group.count > 0 and not place do
    place = advance(waits, places, self._poller:await(group), true)
  end
  for _, wait in ipairs(waits) do
    self._poller:remove(wait.entry)
  end
  finish(group)
  local first = place and waits[place]
  if not first then
    return nil, joined_error("wait_any", waits, "none of %d conversations has settled")
  elseif first.err then
    return nil, errors.rename(first.err, "wait_any"), place
  end
  return first.conversation, place
end
