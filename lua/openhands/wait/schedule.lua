--- The schedule of polls: when a conversation is polled again, how many requests all waits of a client may send, and
--- which conversations share the next one.

local coroutines = require "openhands.task.coroutines"
local identifiers = require "openhands.conversation.identifier"
local limits = require "openhands.limits"
local lookups = require "openhands.conversation.lookup"

local M = {}

local STARTING_INTERVAL = 2 -- seconds between polls while a conversation starts, and after a message to it
local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 5, 30, 1.1
local JITTER = 0.2 -- share of an interval
local LAST_POLL = 1 -- seconds that a poll may take beyond the deadline of the wait
local NEAR = 0.5 -- an entry that is due within this share of its interval joins a request that is sent anyway

local BURST = 5 -- requests that may be sent at once
local SECONDS_PER_REQUEST = 1.15 -- after the burst: together less than 60 in any minute
local SHORTEST_SLEEP = 0.01 -- seconds

-- Steps that are for many conversations at once. They alternate with those for one.
local is_for_many = { dialect = true, start_task = true, list = true, recent_tasks = true }

-- Settings in which two entries must agree to share a request.
local distinctive = {
  "api_key", "organization", "api", "timeout", "connect_timeout", "max_body", "max_memory", "retries",
}

-- ---- when ----------------------------------------------------------------------------------------------------------

--- Returns the seconds between two polls for the `interval` of a caller.
---@param interval number? seconds
---@return number?
function M.interval(interval)
  return interval and math.max(interval, limits.SHORTEST_INTERVAL)
end

--- Returns the seconds that the service asks to wait after an error, at most `limits.LONGEST_RETRY_AFTER`.
---@param err openhands.Error?
---@return number
function M.retry_after(err)
  return err and err.retry_after and math.min(err.retry_after, limits.LONGEST_RETRY_AFTER) or 0
end

--- Returns the deadline of one poll: it may take as long as any call, but not much longer than the wait.
---@param call table
---@param deadline_at number monotonic moment at which the wait ends
---@param now number monotonic, seconds
---@return number deadline_at
function M.poll_deadline(call, deadline_at, now)
  return math.min(now + call.deadline, math.max(now, deadline_at) + LAST_POLL)
end

--- Returns the factor by which the intervals after one poll vary. All entries of a poll get the same, so that they stay
--- in one batch.
---@param random number from 0 to 1
---@return number
function M.jitter(random)
  return 1 - JITTER + 2 * JITTER * random
end

--- Returns the seconds until an entry that was just polled is due again, and lengthens its next interval.
---@param entry openhands.PollEntry
---@param jitter number
---@return number seconds
function M.seconds_until_due(entry, jitter)
  local least = entry.err and M.retry_after(entry.err) or 0
  local latest = entry.latest
  if entry.interval then
    return math.max(entry.interval, least)
  elseif latest and (latest.state == "starting" or entry.memory and entry.memory.message_at) then
    return math.max(STARTING_INTERVAL, least) -- it may be up, or have answered the message, soon
  end
  local interval = entry.next_interval or FIRST_INTERVAL
  entry.next_interval = math.min(LAST_INTERVAL, interval * GROWTH)
  return math.max(interval * jitter, least)
end

-- ---- how often -----------------------------------------------------------------------------------------------------

---@class openhands.RequestRate
---@field private _left number requests that may be sent at once; negative after requests beyond the limit
---@field private _quiet_until number monotonic moment before which no request may be sent
---@field private _counted_at number? monotonic moment at which `_left` was counted
local RequestRate = { __name = "openhands.RequestRate" }
RequestRate.__index = RequestRate

--- Makes the rate at which all waits of one client together send requests: a token bucket.
---@return openhands.RequestRate
function M.rate()
  return setmetatable({ _left = BURST, _quiet_until = -math.huge }, RequestRate)
end

--- Returns whether a number of requests may be sent now.
---@param now number monotonic, seconds
---@param count integer
---@return boolean
function RequestRate:allows(now, count)
  self._left = math.min(BURST, self._left + (now - (self._counted_at or now)) / SECONDS_PER_REQUEST)
  self._counted_at = now
  return self._left >= count and now >= self._quiet_until
end

--- Notes that a request is sent. A request beyond the limit delays the next one.
---@param now number monotonic, seconds
function RequestRate:spend(now)
  self:allows(now, 1)
  self._left = self._left - 1
end

--- Allows no request before a moment, because the service has asked for a pause.
---@param moment number monotonic, seconds
function RequestRate:pause_until(moment)
  self._quiet_until = math.max(self._quiet_until, moment)
end

--- Returns the moment at which the next request may be sent, if none may be sent now.
---@param now number monotonic, seconds
---@return number moment
function RequestRate:next_moment(now)
  return math.max(now + math.max((1 - self._left) * SECONDS_PER_REQUEST, SHORTEST_SLEEP), self._quiet_until)
end

-- ---- which ---------------------------------------------------------------------------------------------------------

--- Returns whether an entry is out of time. However short its timeout is, a group polls until one of its entries has
--- got a delivery. After that, entries without a delivery still get the steps that are for many conversations.
---@param client openhands.Client
---@param entry openhands.PollEntry
---@param now number monotonic, seconds
---@return boolean
function M.is_over(client, entry, now)
  if now < entry.deadline_at then
    return false
  elseif entry.deliveries > 0 then
    return true
  end
  return entry.group.has_delivery and not is_for_many[entry.step or lookups.first_step(client, entry)] or false
end

-- Returns whether an entry may be polled: its group waits, and it is not out of time.
local function may_be_polled(client, entry, group, now)
  local own = entry.group
  if entry.news or own.is_away or (own ~= group and coroutines.is_abandoned(own, client._loop)) then
    return false
  end
  return now < entry.deadline_at or not M.is_over(client, entry, now)
end

--- Returns whether an entry is exempt from the client's rate: its caller has set an interval, or this is its last poll.
---@param entry openhands.PollEntry
---@param group openhands.WaitGroup the one that polls
---@param now number monotonic, seconds
---@return boolean
function M.is_exempt(entry, group, now)
  return entry.interval ~= nil or entry.group == group and now >= entry.deadline_at
end

-- Orders entries by their last poll, the oldest first, so that every entry gets its turn.
local function is_before(one, other)
  if one.last_polled ~= other.last_polled then
    return one.last_polled < other.last_polled
  end
  return one.number < other.number
end

-- Returns the entries that are due now or soon, and their steps. Then returns two of those that may be polled now: the
-- first whose step is for many conversations, and the first whose step is for one.
local function due_entries(poller, group, now, is_allowed)
  local client, soon_due, steps = poller._client, {}, {}
  local first_batch_entry, first_single_entry
  for _, entry in pairs(poller._entries) do
    if entry.is_delivered and entry.next_at <= now then
      entry.is_delivered, entry.step = nil, nil -- its events were not read in time; this poll starts a new lookup
    end
    local due_at = entry.due_at
    if due_at - now <= NEAR * entry.pause and may_be_polled(client, entry, group, now) then
      local step = entry.step or lookups.first_step(client, entry)
      soon_due[#soon_due + 1], steps[entry] = entry, step
      local may_go = due_at <= now and (is_allowed or M.is_exempt(entry, group, now))
      if may_go and is_for_many[step] then
        local is_first = not first_batch_entry or is_before(entry, first_batch_entry)
        first_batch_entry = is_first and entry or first_batch_entry
      elseif may_go then
        local is_first = not first_single_entry or is_before(entry, first_single_entry)
        first_single_entry = is_first and entry or first_single_entry
      end
    end
  end
  return soon_due, steps, first_batch_entry, first_single_entry
end

-- Returns whether two entries can share a request.
local function can_join(head, other, step, other_step)
  if other == head or other_step ~= step then
    return false
  elseif step == "result" and identifiers.normalize(other.id) ~= identifiers.normalize(head.id) then
    return false
  end
  for _, name in ipairs(distinctive) do
    if rawget(head.call, name) ~= rawget(other.call, name) then
      return false
    end
  end
  return true
end

-- Returns the entries of one request: the first, then others that are due, then others that are due soon.
local function with_companions(head, soon_due, steps, now)
  local step, others, entries = steps[head], {}, { head }
  for _, other in ipairs(soon_due) do
    if can_join(head, other, step, steps[other]) then
      others[#others + 1] = other
    end
  end
  table.sort(others, function(one, other)
    local is_due = one.due_at <= now
    if is_due ~= (other.due_at <= now) then
      return is_due
    end
    return is_before(one, other)
  end)
  for place = 1, math.min(#others, limits.IDS_PER_REQUEST - 1) do
    entries[place + 1] = others[place]
  end
  return entries
end

--- Returns what to request next, and for which entries; nil if none may be polled now.
---@param poller openhands.Poller
---@param group openhands.WaitGroup the one that polls
---@param now number monotonic, seconds
---@param is_allowed boolean whether the client's rate allows a request
---@return openhands.LookupStep? step
---@return openhands.PollEntry[]? entries
function M.next(poller, group, now, is_allowed)
  local soon_due, steps, first_batch_entry, first_single_entry = due_entries(poller, group, now, is_allowed)
  local head = first_batch_entry or first_single_entry
  if first_batch_entry and first_single_entry then
    head = poller._last_was_for_many and first_single_entry or first_batch_entry
  end
  if not head then
    return nil
  end
  local step = steps[head]
  poller._last_was_for_many = is_for_many[step] or false
  if #soon_due > 1 and (is_for_many[step] or step == "result") then
    return step, with_companions(head, soon_due, steps, now)
  end
  return step, { head }
end

return M
