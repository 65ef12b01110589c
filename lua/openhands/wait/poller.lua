--- The poller of a client: everybody who waits shares its requests. Whoever of them is due first asks for all that are
--- due, a batch of up to 99 conversations with one request; the others get the news, or ask the next batch.
---
--- Nothing runs by itself: who waits does the asking, in its own coroutine, one request at a time (a tick). An entry
--- lives as long as somebody holds it, so a wait that was abandoned leaves nothing behind.

local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local lookup = require "openhands.conversation.lookup"
local paces = require "openhands.wait.rate"
local tasks = require "openhands.task"
local turns = require "openhands.wait.schedule"

local M = {}

local STARTING_INTERVAL = 2 -- seconds between looks while a conversation starts
local FIRST_INTERVAL, LAST_INTERVAL, GROWTH = 5, 30, 1.1
local JITTER = 0.2 -- share of an interval
local SHORTEST_INTERVAL = 0.01 -- whatever the caller asks for
local LONGEST_RETRY_AFTER = 120 -- seconds; the service's wish, but not for hours
local LAST_LOOK = 1 -- seconds that a look may take beyond the wait's own time
local DOUBT = 1 -- seconds after which those who wait for the one who asks look whether it lives
local SLACK = 0.1 -- seconds by which a deadline may be missed

--- One conversation that somebody waits for.
---@class openhands.Entry: openhands.Look
---@field party openhands.Party who waits
---@field interval number? seconds between looks, as the caller wants it: then it has no part in the pace of all
---@field deadline_at number monotonic moment
---@field due_at number monotonic moment of the next look
---@field pause number seconds from the last look to the next
---@field steady number seconds between looks once it has started
---@field looks integer
---@field last_asked number monotonic moment
---@field latest openhands.Conversation?
---@field news "look"|"ending"|nil what has come and was not taken yet
---@field told boolean? its present look has been told already, and goes on behind it
---@field next_at number? monotonic moment of the look after that
---@field number integer

--- Who waits, for one conversation or for several.
---@class openhands.Party: openhands.Pending
---@field entries table<openhands.Entry, boolean>
---@field deadline_at number monotonic moment
---@field news boolean? something has come for one of its entries
---@field away boolean? it is busy with something else than waiting
---@field looked boolean? it has had an answer
---@field coroutine any the one in which it waits

--- One request, and who makes it.
---@class openhands.Tick: openhands.Pending
---@field ends_at number monotonic moment
---@field asker { coroutine: any }
---@field done boolean?

---@class openhands.Watch
---@field private _client openhands.Client
---@field private _entries table<integer, openhands.Entry> weak
---@field private _count integer entries made so far
---@field private _pace openhands.Pace
---@field private _tick openhands.Tick? the request that is under way
---@field private _turn "many"|"one"|nil what was asked for last: a step for many, or for one
local methods = {}
local Watch = { __index = methods, __name = "openhands.Watch" }

---@param client openhands.Client
---@return openhands.Watch
function M.new(client)
  return setmetatable({
    _client = client,
    _entries = setmetatable({}, { __mode = "v" }),
    _count = 0,
    _pace = paces.new(),
  }, Watch)
end

-- ---- who waits ---------------------------------------------------------------------------------------------------

--- A party without entries.
---@param client openhands.Client
---@param timeout number seconds
---@return openhands.Party
function M.party(client, timeout)
  return { entries = {}, deadline_at = client:_now() + timeout, coroutine = coroutines.running() }
end

--- Takes part: the conversation is looked at from now on, while the party waits.
---@param party openhands.Party
---@param id string
---@param latest openhands.Conversation? as the caller has it
---@param call table settings of the call that waits
---@param interval number? seconds
---@return openhands.Entry
function methods:join(party, id, latest, call, interval)
  self._count = self._count + 1
  local entry = {
    id = id,
    number = self._count,
    party = party,
    call = call,
    grace = call.grace,
    interval = interval and math.max(interval, SHORTEST_INTERVAL),
    deadline_at = party.deadline_at,
    latest = latest,
    due_at = -math.huge,
    last_asked = -math.huge,
    pause = 0,
    steady = FIRST_INTERVAL,
    looks = 0,
  }
  self._entries[entry.number], party.entries[entry] = entry, true
  return entry
end

---@param entry openhands.Entry
function methods:leave(entry)
  self._entries[entry.number], entry.party.entries[entry] = nil, nil
end

--- Asks for how a conversation ended, which only its events tell, as the next thing about it.
---@param entry openhands.Entry
---@param pause number seconds until then
function methods:ask_ending(entry, pause)
  entry.step, entry.deadline_at = "ending", math.huge
  entry.due_at = self._client:_now() + pause
end

--- Whether an entry's time is over.
---@param entry openhands.Entry
---@return boolean
function methods:is_over(entry)
  return turns.is_over(self._client, entry, self._client:_now())
end

-- ---- asking ------------------------------------------------------------------------------------------------------

-- Each look has its own deadline, within the wait's.
local function look_deadline(call, deadline_at, now)
  return math.min(now + call.deadline, math.max(now, deadline_at) + LAST_LOOK)
end

-- What lets the exchanges of a look out, each when it is its turn: the first one has been allowed, the others keep to
-- the pace like everybody's. It returns false if there is no time for that.
local function admission(watch)
  local client, pace, has_begun = watch._client, watch._pace, false
  return function(call)
    while has_begun and not pace:allows(client:_now()) do
      local moment = pace:next_moment(client:_now())
      if moment >= call.deadline_at or client:_is_given_up() then
        return false
      end
      client:_sleep(moment - client:_now())
    end
    has_begun = true
    pace:spend(1, client:_now())
    return true
  end
end

-- The settings of a request: those given for the wait, and time as the one has who asks. A look is not repeated at
-- once, there is a next one.
local function request_call(watch, entries, party, now)
  local first = entries[1].call
  local call = watch._client:_fresh(first, look_deadline(first, party.deadline_at, now))
  call.asked_at, call.retries = now, 0
  if not entries[1].interval then
    call.admit = admission(watch)
  end
  return call
end

-- Seconds until the next look. An agent that was spoken to may answer soon, as one that starts may be up soon.
local function pause_of(client, entry, jitter)
  local least = entry.err and entry.err.retry_after and math.min(entry.err.retry_after, LONGEST_RETRY_AFTER) or 0
  if entry.interval then
    return math.max(entry.interval, least)
  elseif entry.latest and (entry.latest.state == "starting" or client:_remember(entry.id).spoken_at) then
    return math.max(STARTING_INTERVAL, least)
  end
  local interval = entry.steady
  entry.steady = math.min(LAST_INTERVAL, interval * GROWTH)
  return math.max(interval * jitter, least)
end

local function deliver(watch, entry, kind, now)
  local party = entry.party
  entry.news, party.news, party.looked = kind, true, true
  entry.looks, entry.last_asked = entry.looks + 1, now
  watch._client:_wake(party)
end

-- Whether a request failed only because the one who asked had no more time, or was called away: then the others are
-- still due.
local function is_askers_own(entry, call, now)
  local err = entry.err
  if err and err.kind == "cancelled" then
    return entry.party.coroutine ~= coroutines.running()
  end
  return err ~= nil
    and err.kind == "timeout"
    and now >= call.deadline_at - SLACK
    and look_deadline(entry.call, entry.deadline_at, call.asked_at) > call.deadline_at + SLACK
end

-- A look has told how the conversation stands. What its events may add belongs to the look, if there is room for a
-- request more; else it is told without, and the events have their turn later.
local function conclude_look(watch, entry, jitter, now, has_room)
  entry.latest = entry.conversation or entry.latest
  entry.pause = pause_of(watch._client, entry, jitter)
  entry.next_at = now + entry.pause
  entry.due_at = entry.step and now or entry.next_at
  if entry.step and has_room then
    return true
  end
  entry.told = entry.step ~= nil
  deliver(watch, entry, "look", now)
  return false
end

-- Says what an entry has learnt in a step, and when it is next. Returns whether it wants a request more at once.
local function conclude(watch, entry, step, call, jitter, has_room)
  local now = watch._client:_now()
  local told = entry.told
  entry.told = nil
  if is_askers_own(entry, call, now) then
    entry.step, entry.err = step, nil
  elseif step == "ending" then
    deliver(watch, entry, "ending", now)
  elseif entry.step and entry.step ~= "behind" then
    entry.due_at = now
  elseif step == "behind" then
    entry.due_at, entry.last_asked = entry.next_at, now
    if not told or entry.conversation.settled then
      deliver(watch, entry, "look", now)
    end
  else
    return conclude_look(watch, entry, jitter, now, has_room)
  end
  return false
end

-- Whether somebody is asking; what a dead one left is cleared away.
local function tick_under_way(watch, now)
  local tick = watch._tick
  if tick and (coroutines.is_abandoned(tick.asker, watch._client._loop) or now >= tick.ends_at) then
    watch._tick = nil
    tick.done = true
    watch._client:_wake(tick)
  end
  return watch._tick
end

-- Keeps quiet as long as the service asks of those who ask.
local function keep_quiet(watch, entries)
  local now = watch._client:_now()
  for _, entry in ipairs(entries) do
    if entry.err and entry.err.retry_after then
      watch._pace:hold(now + math.min(entry.err.retry_after, LONGEST_RETRY_AFTER))
    end
  end
end

local function ask(watch, party, step, entries, now)
  local call = request_call(watch, entries, party, now)
  -- Weak: a coroutine that nobody resumes any more is not kept by what it was doing.
  local asker = coroutines.owner()
  local tick = { ends_at = call.deadline_at + LAST_LOOK, asker = asker }
  watch._tick = tick
  lookup.steps[step](watch._client, entries, call)
  keep_quiet(watch, entries)
  local jitter = 1 - JITTER + 2 * JITTER * call.random() -- one for all: they stay in step
  local wanting = 0
  for _, entry in ipairs(entries) do
    local has_room = entry.interval ~= nil or watch._pace:allows(watch._client:_now(), wanting + 1)
    if conclude(watch, entry, step, call, jitter, has_room) then
      wanting = wanting + 1
    end
  end
  if watch._tick == tick then
    watch._tick = nil
  end
  tick.done = true
  watch._client:_wake(tick)
end

-- ---- waiting -----------------------------------------------------------------------------------------------------

local function closed()
  return errors.new { kind = "closed", operation = "wait", message = "wait: the client was closed" }
end

local function cancelled()
  return tasks.cancellation "wait"
end

-- Ends the waits of a party; each has an error of its own.
local function give_up(party, new_error)
  for entry in pairs(party.entries) do
    entry.news = entry.step == "ending" and "ending" or "look"
    entry.conversation = nil
    entry.err = new_error()
  end
end

-- The moment of a party's next entry, and that by which its time is over, neither if an entry's is; and whether it
-- need not keep to the pace: its caller has set one, or these are its last looks.
local function next_moments(watch, party, now)
  local due_at, ends_at, hurries = math.huge, math.huge, false
  for entry in pairs(party.entries) do
    if turns.is_over(watch._client, entry, now) then
      return nil
    end
    due_at = math.min(due_at, entry.due_at)
    ends_at = math.min(ends_at, entry.deadline_at > now and entry.deadline_at or math.huge)
    hurries = hurries or turns.may_hurry(entry, party, now)
  end
  return due_at, ends_at, hurries
end

-- Asks for whoever's turn it is; if nobody may be asked for, sleeps until that changes.
local function take_turn(watch, party, now, ends_at, hurries)
  local allowed = watch._pace:allows(now)
  local step, entries
  if allowed or hurries then -- else there is nothing to search for, however many wait
    step, entries = turns.next(watch, party, now, allowed)
  end
  if step then
    ask(watch, party, step, entries, now)
  else
    watch._client:_await(party, math.min(watch._pace:next_moment(now), ends_at))
  end
end

--- Returns when there is news of one of the party's entries, or the time of one is over.
---@param party openhands.Party
function methods:await(party)
  local client = self._client
  party.coroutine, party.away = coroutines.running(), nil
  while not party.news do
    local now = client:_now()
    local due_at, ends_at, hurries = next_moments(self, party, now)
    local tick = tick_under_way(self, now)
    if client._closed then
      return give_up(party, closed)
    elseif tasks.is_cancelled() then
      return give_up(party, cancelled)
    elseif not due_at then
      return
    elseif due_at > now then
      client:_await(party, math.min(due_at, ends_at --[[@as number]]))
    elseif tick then
      client:_await(tick, math.min(tick.ends_at, ends_at --[[@as number]], now + DOUBT))
    else
      take_turn(self, party, now, ends_at, hurries)
    end
  end
  party.news = nil
end

return M
