--- The schedule of polls: when a conversation is polled again, how many requests all waits of a client may send, and
--- which conversations share the next one.

local cohorts = require "openhands.wait.cohorts"
local coroutines = require "openhands.task.coroutines"
local identifiers = require "openhands.conversation.identifier"
local limits = require "openhands.limits"
local lookups = require "openhands.conversation.lookup"

local M = {}

local STARTING_INTERVAL = 2 -- seconds between polls while a conversation starts, and after a message to it
local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 5, 30, 1.1
local JITTER = 0.2 -- share of an interval
local NEAR = 0.5 -- an entry that is due within this share of its interval joins a request that is sent anyway

local BURST = 5 -- requests that may be sent at once
local SECONDS_PER_REQUEST = 1.15 -- after the burst: together less than 60 in any minute
local SHORTEST_SLEEP = 0.01 -- seconds

--- Seconds that a poll may take beyond the deadline of the wait.
M.LAST_POLL = 1

-- Steps that are for many conversations at once. They alternate with those for one.
local is_for_many = { dialect = true, start_task = true, list = true, recent_tasks = true }

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
  return math.min(now + call.deadline, math.max(now, deadline_at) + M.LAST_POLL)
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

-- Returns the first entry of a cohort that may be polled.
local function first_of(client, cohort, group, now)
  for place = cohort.first, cohort.count do
    local entry = cohort[place]
    if entry and entry.cohort == cohort and may_be_polled(client, entry, group, now) then
      return entry
    end
  end
end

-- Returns two of the entries that may be polled now: the first whose step is for many conversations, and the first
-- whose step is for one.
local function heads(poller, list, group, now, is_allowed)
  local client = poller._client
  local first_batch_entry, first_single_entry
  for _, cohort in ipairs(list) do
    if cohort.due_at <= now and (is_allowed or cohort.has_interval) then
      local is_batch = is_for_many[cohort.step]
      local first = is_batch and first_batch_entry or not is_batch and first_single_entry or nil
      local entry = (not first or cohort.last_polled <= first.last_polled) and first_of(client, cohort, group, now)
      if entry and not (first and is_before(first, entry)) then
        first_batch_entry = is_batch and entry or first_batch_entry
        first_single_entry = is_batch and first_single_entry or entry
      end
    end
  end
  return first_batch_entry, first_single_entry
end

-- Returns the same of the entries that are exempt from the rate, at the last polls of a group.
local function last_heads(poller, group, now, first_batch_entry, first_single_entry)
  for entry in pairs(group.entries) do
    if entry.due_at <= now and now >= entry.deadline_at and may_be_polled(poller._client, entry, group, now) then
      if is_for_many[entry.cohort.step] then
        local is_first = not first_batch_entry or is_before(entry, first_batch_entry)
        first_batch_entry = is_first and entry or first_batch_entry
      else
        local is_first = not first_single_entry or is_before(entry, first_single_entry)
        first_single_entry = is_first and entry or first_single_entry
      end
    end
  end
  return first_batch_entry, first_single_entry
end

-- Returns the next cohort with entries that can join a request: one that is due before one that is due soon. Leaves out
-- the cohorts in `taken`.
local function next_companions(client, list, head, group, now, taken)
  local best, best_entry, best_is_due
  for _, cohort in ipairs(list) do
    if cohort.step == head.cohort.step and cohort.due_at - now <= NEAR * cohort.pause and not taken[cohort] then
      local is_due = cohort.due_at <= now
      local entry = (is_due or not best_is_due) and first_of(client, cohort, group, now)
      local is_better = entry and (not best or (is_due and not best_is_due) or is_before(entry, best_entry))
      if is_better and cohorts.agree(head.call, entry.call) then
        best, best_entry, best_is_due = cohort, entry, is_due
      end
    end
  end
  return best
end

-- Returns whether an entry of a cohort can join a request.
local function may_join(client, cohort, entry, head, step, group, now)
  return entry and entry ~= head and entry.cohort == cohort and may_be_polled(client, entry, group, now)
    and (entry.step or lookups.first_step(client, entry)) == step
end

-- Returns the entries of a request for one result: all that are due or due soon and wait for the same conversation.
local function with_same_conversation(client, list, head, group, now)
  local entries, step = { head }, "result"
  for _, cohort in ipairs(list) do
    if cohort.step == step and cohort.due_at - now <= NEAR * cohort.pause then
      for place = cohort.first, cohort.count do
        local entry = cohort[place]
        if may_join(client, cohort, entry, head, step, group, now) and cohorts.agree(head.call, entry.call)
          and identifiers.are_same(entry.id, head.id) then
          entries[#entries + 1] = entry
        end
      end
    end
  end
  return entries
end

-- Returns the entries of one request: the first, then others that are due, then others that are due soon.
local function with_companions(client, list, head, step, group, now)
  if step == "result" then
    return with_same_conversation(client, list, head, group, now)
  end
  local entries, count, taken = { head }, 1, {}
  local cohort = next_companions(client, list, head, group, now, taken)
  while cohort and count < limits.IDS_PER_REQUEST do
    taken[cohort] = true
    for place = cohort.first, cohort.count do
      local entry = cohort[place]
      if count == limits.IDS_PER_REQUEST then
        break
      elseif may_join(client, cohort, entry, head, step, group, now) then
        count = count + 1
        entries[count] = entry
      end
    end
    cohort = count < limits.IDS_PER_REQUEST and next_companions(client, list, head, group, now, taken)
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
  local client = poller._client
  while true do
    local list = poller._cohorts:list(now)
    local first_batch_entry, first_single_entry = heads(poller, list, group, now, is_allowed)
    if not is_allowed and now >= group.deadline_at then
      first_batch_entry, first_single_entry =
        last_heads(poller, group, now, first_batch_entry, first_single_entry)
    end
    local head = first_batch_entry or first_single_entry
    if first_batch_entry and first_single_entry then
      head = poller._last_was_for_many and first_single_entry or first_batch_entry
    end
    if not head then
      return nil
    end
    local step = head.step or lookups.first_step(client, head)
    if step == head.cohort.step then
      poller._last_was_for_many = is_for_many[step] or false
      local is_alone = #list == 1 and list[1].first == list[1].count
      local is_shared = not is_alone and (is_for_many[step] or step == "result")
      return step, is_shared and with_companions(client, list, head, step, group, now) or { head }
    end
    poller._cohorts:refile(head.cohort) -- e.g. the dialect has become known
  end
end

return M
