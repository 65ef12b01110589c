--- Polls conversations for all waits of a client together. The first wait with a conversation that is due requests a
--- batch for all waits; the others get their part of the response, or request the next batch.
---
--- Nothing runs in the background: the coroutines of the waits send the requests, one request at a time.

local cohorts = require "openhands.wait.cohorts"
local coroutines = require "openhands.task.coroutines"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local lookups = require "openhands.conversation.lookup"
local schedule = require "openhands.wait.schedule"
local task_use = require "openhands.task.use"
local tasks = require "openhands.task"
local turns = deferred.module "openhands.wait.turns"

local M = {}

local OVERTIME = 1 -- seconds after its deadline at which a poll counts as lost
local CHECK_INTERVAL = 1 -- seconds between checks that the polling coroutine is still alive
local SLACK = 0.1 -- tolerance in seconds when deadlines are compared

--- One conversation that a group waits for.
---@class openhands.PollEntry: openhands.Lookup
---@field group openhands.WaitGroup
---@field interval number? seconds between polls, if the caller has set it: then the client's rate does not apply
---@field deadline_at number monotonic moment
---@field due_at number monotonic moment of the next poll
---@field pause number seconds from the last poll to the next
---@field next_interval number? seconds of the next regular pause, before jitter
---@field deliveries integer number of deliveries so far
---@field last_polled number monotonic moment
---@field latest openhands.Conversation? as it was seen last
---@field news "status"|"result"|nil kind of the delivery that was not taken yet
---@field is_delivered boolean? its status was delivered although its lookup goes on
---@field next_at number? monotonic moment of the poll after this lookup
---@field number integer counted up with each entry that is added
---@field cohort openhands.Cohort? nil: its next poll changes, and it will be filed anew

--- The entries of one wait, for one conversation or several. The wait owns them.
---@class openhands.WaitGroup: openhands.Pending
---@field entries table<openhands.PollEntry, boolean>
---@field count integer number of entries
---@field deadline_at number monotonic moment
---@field has_interval boolean? the caller has set an interval, the same for all entries
---@field news boolean? something was delivered to one of its entries
---@field delivered openhands.PollEntry[] those to which something was delivered since the last `await`
---@field is_away boolean? it runs the caller's `on_change`
---@field has_delivery boolean? something was delivered to one of its entries at any time
---@field coroutine any the coroutine that waits for it; nil before the first wait
---@field turn openhands.Turn? for which it waits
---@field has_turn boolean? it is its turn to send a request
---@field shown openhands.Progress? shows how its conversations go on

--- One step of the lookups of one or several entries. Most steps send one request, some several.
---@class openhands.Poll
---@field ends_at number monotonic moment
---@field group openhands.WaitGroup? the group that sends it; nil once it was collected with its coroutine

---@class openhands.Poller
---@field private _client openhands.Client
---@field private _cohorts openhands.Cohorts its entries
---@field private _count integer entries made so far
---@field private _rate openhands.RequestRate
---@field private _poll openhands.Poll? the one that is under way
---@field private _turns openhands.Turns? of the groups that wait for its end; nil before the first one
---@field private _last_was_for_many boolean? whether the last poll was of a step for many conversations
local methods = {}
local Poller = { __index = methods, __name = "openhands.Poller" }

local weak = { __mode = "v" } -- a poll does not keep the group that sends it alive, nor its coroutine

--- Makes the poller of a client.
local function new(client)
  return setmetatable({
    _client = client,
    _cohorts = cohorts.new(client),
    _count = 0,
    _rate = schedule.rate(),
  }, Poller)
end

-- ---- entries -------------------------------------------------------------------------------------------------------

--- Returns a group without entries. Makes the client's poller, if it is the first one.
---@param client openhands.Client
---@param timeout number seconds
---@return openhands.WaitGroup
function M.group(client, timeout)
  client._poller = client._poller or new(client)
  return { entries = {}, count = 0, delivered = {}, deadline_at = client._loop.now() + timeout }
end

--- Adds a conversation to a group. It is polled while the group waits.
---@param group openhands.WaitGroup
---@param id string
---@param latest openhands.Conversation? as the caller has it
---@param call table settings of the call that waits
---@param interval number? seconds
---@return openhands.PollEntry
function methods:add(group, id, latest, call, interval)
  self._count = self._count + 1
  local entry = {
    id = id,
    number = self._count,
    group = group,
    call = call,
    grace = call.grace,
    interval = schedule.interval(interval),
    deadline_at = group.deadline_at,
    latest = latest,
    due_at = -math.huge,
    last_polled = -math.huge,
    pause = 0,
    deliveries = 0,
  }
  group.entries[entry], group.count, group.has_interval = true, group.count + 1, interval ~= nil
  self._cohorts:unfile(entry)
  return entry
end

--- Removes an entry from its group. It is not polled any more.
---@param entry openhands.PollEntry
function methods.remove(_, entry)
  local group = entry.group
  if group.entries[entry] then
    group.entries[entry], group.count = nil, group.count - 1
  end
  entry.cohort = nil
end

--- Schedules a request for the result of a conversation that has settled.
---@param entry openhands.PollEntry
---@param pause number seconds until then
function methods:request_result(entry, pause)
  entry.step, entry.deadline_at = "result", math.huge
  entry.due_at = self._client._loop.now() + pause
  self._cohorts:unfile(entry)
end

--- Schedules another request for the status of a conversation that has settled. The last one may be sent at the
--- deadline of the wait.
---@param entry openhands.PollEntry
---@param pause number seconds until then
function methods:request_status(entry, pause)
  entry.step, entry.deadline_at = nil, entry.group.deadline_at + schedule.LAST_POLL
  entry.due_at = self._client._loop.now() + pause
  self._cohorts:unfile(entry)
end

--- Returns whether an entry's time is over.
---@param entry openhands.PollEntry
---@return boolean
function methods:is_over(entry)
  return schedule.is_over(self._client, entry, self._client._loop.now())
end

-- ---- one poll ------------------------------------------------------------------------------------------------------

-- Returns the function that every exchange of a poll calls before it is sent. The schedule has allowed the first
-- exchange; for the others the function waits until the rate allows them, and returns false if that takes too long.
local function admission(poller)
  local client, rate, has_begun = poller._client, poller._rate, false
  return function(call)
    local now = client._loop.now()
    while has_begun and not rate:allows(now, 1) do
      local moment = rate:next_moment(now)
      if moment >= call.deadline_at or client:_is_given_up() then
        return false
      end
      client:_sleep(moment - now)
      now = client._loop.now()
    end
    has_begun = true
    rate:spend(now)
    return true
  end
end

local function deliver(poller, entry, news, now, polling_group)
  local group = entry.group
  entry.news, group.news, group.has_delivery = news, true, true
  entry.deliveries, entry.last_polled = entry.deliveries + 1, now
  group.delivered[#group.delivered + 1] = entry
  if group ~= polling_group then
    local turn = group.turn
    if turn then
      turn.done = true
    end
    poller._client:_wake(turn or group)
  end
end

-- Returns whether a request failed only because the group that sent it was out of time or cancelled. Then the entries
-- of other groups are still due.
local function is_of_polling_group(entry, group, call, now)
  local err = entry.err
  if not err then
    return false
  elseif err.kind == "cancelled" then
    return entry.group ~= group
  end
  return err.kind == "timeout"
    and now >= call.deadline_at - SLACK
    and schedule.poll_deadline(entry.call, entry.deadline_at, call.asked_at) > call.deadline_at + SLACK
end

-- Delivers the outcome of a step for an entry, and sets when the entry is due next. If the lookup ends, delivers at
-- once; if it goes on, its next step decides. Reading the events: if the rate allows that now, returns true, and the
-- status is delivered afterwards; if not, delivers the status at once. Any other step: delivers nothing yet.
-- `further`: number of entries of this poll for which it has returned true so far.
local function conclude(poller, group, entry, step, now, jitter, further)
  local was_delivered = entry.is_delivered
  entry.is_delivered = nil
  if step == "result" then
    deliver(poller, entry, "result", now, group)
  elseif entry.step and entry.step ~= "result_check" then
    entry.due_at = now
  elseif step == "result_check" then
    entry.due_at, entry.last_polled = entry.next_at, now
    if not was_delivered or entry.conversation.settled then
      deliver(poller, entry, "status", now, group)
    end
  else
    entry.latest = entry.conversation or entry.latest
    entry.pause = schedule.seconds_until_due(entry, jitter)
    entry.next_at = now + entry.pause
    entry.due_at = entry.step and now or entry.next_at
    if entry.step and (entry.interval or poller._rate:allows(now, further + 1)) then
      return true
    end
    entry.is_delivered = entry.step ~= nil
    deliver(poller, entry, "status", now, group)
  end
  return false
end

-- Runs one step for a list of entries, and delivers the outcome.
local function poll(poller, group, step, entries, now)
  local client, first = poller._client, entries[1]
  -- The settings of the wait, within the deadline of the group that polls. No retries: the next poll is the retry.
  local call = client:_fresh(first.call, schedule.poll_deadline(first.call, group.deadline_at, now))
  call.asked_at, call.retries = now, 0
  if not first.interval then
    call.admit = admission(poller)
  end
  local current = setmetatable({ ends_at = call.deadline_at + OVERTIME, group = group }, weak)
  poller._poll, group.has_turn = current, nil
  lookups.steps[step](client, entries, call)
  now = client._loop.now()
  local jitter, further = schedule.jitter(call.random()), 0
  for _, entry in ipairs(entries) do
    if entry.err and entry.err.retry_after then
      poller._rate:pause_until(now + schedule.retry_after(entry.err))
    end
  end
  for _, entry in ipairs(entries) do
    poller._cohorts:unfile(entry)
    if entry.err and is_of_polling_group(entry, group, call, now) then
      entry.is_delivered, entry.step, entry.err = nil, step, nil
    elseif conclude(poller, group, entry, step, now, jitter, further) then
      further = further + 1
    end
  end
  if poller._poll == current then
    poller._poll = nil
  end
  if poller._turns then
    poller._turns:give()
  end
end

-- Returns a poll if it is still under way. Removes one whose coroutine is dead, or that has taken too long.
local function current_poll(poller, current, now)
  local group = current.group
  if not group or coroutines.is_abandoned(group, poller._client._loop) or now >= current.ends_at then
    poller._poll = nil
  end
  return poller._poll
end

-- ---- waiting -------------------------------------------------------------------------------------------------------

local function closed()
  return errors.new { kind = "closed", operation = "wait", message = "wait: the client was closed" }
end

local function cancelled()
  return tasks.cancellation "wait"
end

-- Ends all waits of a group, each with an error of its own. A conversation that has settled is returned, even if its
-- result is incomplete.
local function fail(group, new_error)
  for entry in pairs(group.entries) do
    entry.news = entry.step == "result" and "result" or "status"
    entry.conversation, entry.result = nil, nil -- without a result, no further one is requested
    entry.err = new_error()
  end
end

-- Returns the moment at which the next entry is due, the moment of the next deadline, and whether an entry is exempt
-- from the rate. Returns nil if an entry is out of time, which none is before the deadline of the group.
local function next_moments(poller, group, now)
  if now < group.deadline_at then
    return poller._cohorts:next_due(group), group.deadline_at, group.has_interval
  end
  local due_at, ends_at, is_exempt = math.huge, math.huge, false
  for entry in pairs(group.entries) do
    local deadline_at = entry.deadline_at
    if deadline_at > now then
      ends_at = math.min(ends_at, deadline_at)
    elseif schedule.is_over(poller._client, entry, now) then
      return nil
    end
    due_at = math.min(due_at, entry.due_at)
    is_exempt = is_exempt or schedule.is_exempt(entry, group, now)
  end
  return due_at, ends_at, is_exempt
end

-- Gives the turn to send a request to the next group, if this one has it.
local function pass_on(poller, group)
  if group.has_turn then
    group.has_turn = nil
    poller._turns:give()
  end
end

local function is_older(one, other)
  return one.number < other.number
end

-- Polls until there is news of one of the group's entries, or the time of one is over.
local function poll_until_news(poller, group)
  local client = poller._client
  while not group.news do
    local now = client._loop.now()
    poller._cohorts:file()
    local due_at, ends_at, is_exempt = next_moments(poller, group, now)
    local next_moment = group.shown and due_at and math.min(ends_at, group.shown:tick(now)) or ends_at
    local current = poller._poll and current_poll(poller, poller._poll, now)
    if client._closed then
      return fail(group, closed)
    elseif task_use.are_in_use and tasks.is_cancelled() then
      return fail(group, cancelled)
    elseif not due_at then
      return
    elseif due_at > now then
      pass_on(poller, group)
      client:_await(group, math.min(due_at, next_moment --[[@as number]]))
    elseif current then
      poller._turns = poller._turns or turns.new(client)
      poller._turns:await(group, math.min(current.ends_at, next_moment --[[@as number]], now + CHECK_INTERVAL))
    else
      local is_allowed, step, entries = poller._rate:allows(now, 1), nil, nil
      if is_allowed or is_exempt then -- else there is no need to search the entries
        step, entries = schedule.next(poller, group, now, is_allowed)
      end
      if step then
        poll(poller, group, step, entries, now)
      else
        pass_on(poller, group)
        client:_await(group, math.min(poller._rate:next_moment(now), next_moment --[[@as number]]))
      end
    end
  end
  local delivered = group.delivered
  group.news, group.delivered = nil, {}
  table.sort(delivered, is_older)
  return delivered
end

--- Polls until there is news of one of the group's entries, or the time of one is over. If the client was closed or the
--- task cancelled, delivers that error to all entries.
---@param group openhands.WaitGroup
---@return openhands.PollEntry[]? entries that have news, in the order of their making; nil: perhaps all
function methods:await(group)
  group.coroutine, group.is_away = coroutine.running() or coroutines.MAIN, nil
  local delivered = poll_until_news(self, group)
  pass_on(self, group)
  return delivered
end

return M
