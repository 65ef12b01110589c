--- Whose turn it is: which of those that somebody waits for are asked for next, and who joins in the same request.

local conversations = require "openhands.conversation"
local coroutines = require "openhands.task.coroutines"
local lookup = require "openhands.conversation.lookup"

local M = {}

local NEARLY = 0.5 -- share of its interval before which an entry joins a request that goes out anyway
local MOST_IDS = 99 -- in one request

-- Steps that are for many at once, and those of one conversation alone. They take turns.
local shared = { dialect = true, tasks = true, list = true, unlisted = true }

-- Settings that make a request another one.
local distinctive = {
  "api_key", "organization", "api", "timeout", "connect_timeout", "max_body", "max_memory", "retries",
}

local function step_of(client, entry)
  return entry.step or lookup.first_step(client, entry)
end

-- However short a wait is, it looks once: at all that one request can tell of, at least.
local function is_owed_a_look(client, entry)
  return entry.looks == 0 and (not entry.party.looked or shared[step_of(client, entry)] or false)
end

--- Whether an entry's time is over.
---@param client openhands.Client
---@param entry openhands.Entry
---@param now number monotonic, seconds
---@return boolean
function M.is_over(client, entry, now)
  return now >= entry.deadline_at and not is_owed_a_look(client, entry)
end

local function may_be_asked(client, entry, asker, now)
  local party = entry.party
  if entry.news or party.away or (party ~= asker and coroutines.is_abandoned(party, client._loop)) then
    return false
  end
  return not M.is_over(client, entry, now)
end

--- Whether an entry may be asked for at once, whatever the pace: its caller has set one, or it is the last look.
---@param entry openhands.Entry
---@param asker openhands.Party
---@param now number monotonic, seconds
---@return boolean
function M.may_hurry(entry, asker, now)
  return entry.interval ~= nil or entry.party == asker and now >= entry.deadline_at
end

-- Least recently asked first: nobody starves.
local function is_before(one, other)
  if one.last_asked ~= other.last_asked then
    return one.last_asked < other.last_asked
  end
  return one.number < other.number
end

-- The first of those due, by turns of a step for many and a step for one.
local function first_due(watch, asker, now, allowed)
  local client, first = watch._client, {}
  for _, entry in pairs(watch._entries) do
    if entry.told and entry.next_at <= now then
      entry.told, entry.step = nil, nil -- it had no turn until the next look, which decides anew
    end
    local may_go = entry.due_at <= now and (allowed or M.may_hurry(entry, asker, now))
    if may_go and may_be_asked(client, entry, asker, now) then
      local kind = shared[step_of(client, entry)] and "many" or "one"
      if not first[kind] or is_before(entry, first[kind]) then
        first[kind] = entry
      end
    end
  end
  local kind = watch._turn == "many" and "one" or "many"
  kind = first[kind] and kind or first.many and "many" or "one"
  watch._turn = first[kind] and kind or watch._turn
  return first[kind]
end

local function are_alike(one, other)
  for _, name in ipairs(distinctive) do
    if rawget(one.call, name) ~= rawget(other.call, name) then
      return false
    end
  end
  return true
end

-- Whether the same request can tell of another entry too. How a conversation ended it tells all who wait for that one.
local function can_join(head, other, step)
  return shared[step] or step == "ending" and conversations.same_id(other.id) == conversations.same_id(head.id)
end

-- Others that the same request can tell of: those that are due, then those that are nearly.
local function companions(watch, asker, head, step, now)
  local client, list = watch._client, {}
  for _, entry in pairs(watch._entries) do
    local is_near = entry ~= head and entry.due_at - now <= NEARLY * entry.pause
    local is_alike = is_near and step_of(client, entry) == step and can_join(head, entry, step)
    if is_alike and may_be_asked(client, entry, asker, now) then
      list[#list + 1] = are_alike(entry, head) and entry or nil
    end
  end
  table.sort(list, function(one, other)
    local is_due = one.due_at <= now
    if is_due ~= (other.due_at <= now) then
      return is_due
    end
    return is_before(one, other)
  end)
  return list
end

--- What to ask next, and for whom; nil if nobody may be asked for now.
---@param watch openhands.Watch
---@param asker openhands.Party
---@param now number monotonic, seconds
---@param allowed boolean whether the pace allows a request
---@return openhands.Step? step
---@return openhands.Entry[]? entries
function M.next(watch, asker, now, allowed)
  local head = first_due(watch, asker, now, allowed)
  if not head then
    return nil
  end
  local step = step_of(watch._client, head)
  local others = (shared[step] or step == "ending") and companions(watch, asker, head, step, now) or {}
  local entries = { head }
  for place = 1, math.min(#others, MOST_IDS - 1) do
    entries[place + 1] = others[place]
  end
  return step, entries
end

return M
