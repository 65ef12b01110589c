--- The schedule of polls: when a conversation is polled again, which conversations are polled next, and which of them
--- share a request.

local coroutines = require "openhands.task.coroutines"
local identifiers = require "openhands.conversation.identifier"
local limits = require "openhands.limits"
local lookups = require "openhands.conversation.lookup"

local M = {}

local STARTING_INTERVAL = 2 -- seconds between polls while a conversation starts, and after a message to it
local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 5, 30, 1.1
local JITTER = 0.2 -- share of an interval
local LAST_POLL = 1 -- seconds that a poll may take beyond the deadline of the wait
local NEAR = 0.5 -- share of its interval before which an entry joins a request that is sent anyway

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

--- Returns the seconds that the service asks to wait after an error.
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

-- ---- which ---------------------------------------------------------------------------------------------------------

--- Returns whether an entry is out of time. However short the timeout of a wait is, it sends one request, and every
--- request that is for many conversations.
---@param client openhands.Client
---@param entry openhands.PollEntry
---@param now number monotonic, seconds
---@return boolean
function M.is_over(client, entry, now)
  if now < entry.deadline_at then
    return false
  elseif entry.polls > 0 then
    return true
  end
  return entry.group.has_answer and not is_for_many[entry.step or lookups.first_step(client, entry)] or false
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

-- Returns the entries that are due now or soon, their steps, and the first entry that may be polled now with a step for
-- many conversations, and with one for a single conversation.
local function due_entries(poller, group, now, is_allowed)
  local client, near, steps, many, one = poller._client, {}, {}, nil, nil
  for _, entry in pairs(poller._entries) do
    if entry.is_delivered and entry.next_at <= now then
      entry.is_delivered, entry.step = nil, nil -- its next step was not run in time; the next poll starts again
    end
    local due_at = entry.due_at
    if due_at - now <= NEAR * entry.pause and may_be_polled(client, entry, group, now) then
      local step = entry.step or lookups.first_step(client, entry)
      near[#near + 1], steps[entry] = entry, step
      local may_go = due_at <= now and (is_allowed or M.is_exempt(entry, group, now))
      if may_go and is_for_many[step] then
        many = (not many or is_before(entry, many)) and entry or many
      elseif may_go then
        one = (not one or is_before(entry, one)) and entry or one
      end
    end
  end
  return near, steps, many, one
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
local function with_companions(head, near, steps, now)
  local step, others, entries = steps[head], {}, { head }
  for _, other in ipairs(near) do
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
  local near, steps, many, one = due_entries(poller, group, now, is_allowed)
  local head = many or one
  if many and one then
    head = poller._last_was_for_many and one or many
  end
  if not head then
    return nil
  end
  local step = steps[head]
  poller._last_was_for_many = is_for_many[step] or false
  if #near > 1 and (is_for_many[step] or step == "result") then
    return step, with_companions(head, near, steps, now)
  end
  return step, { head }
end

return M
