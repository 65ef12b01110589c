--- Tells what a run of a fleet would do, from the ledger alone: what it would start, take up, leave as it is, and what
--- would wait for what. Starts nothing.

local durations = require "openhands.display.duration"
local numbers = require "openhands.display.number"
local text = require "openhands.display.text"

local M = {}

local MOST_LINES = 20 -- of each kind, in the text for people
local SHARE_TO_STOP = 0.8 -- of a budget; the ledger claims nothing more then

--- An item that would not start at once, though there were slots for all.
---@class openhands.PlannedWait
---@field key string
---@field why string

--- What a run of a fleet would do.
---@class openhands.FleetPlan
---@field fleet string
---@field start string[] keys of the items that would start, in this order
---@field take_up string[] keys of those that were started, and have not ended
---@field wait openhands.PlannedWait[] items that start later
---@field ended string[] keys of those that stay as they are, because they have ended
---@field at_once integer items that may run at the same time, as far as the ledger knows
---@field cost number dollars that were spent
---@field average_cost number? dollars of an item that is done; nil: none is done whose cost is known
---@field expected_cost number? dollars that what has not ended may still cost
local Plan = {}
Plan.__index = Plan
Plan.__name = "openhands.FleetPlan"

-- Returns the order in which the ledger claims.
local function is_before(one, other)
  if one.priority ~= other.priority then
    return one.priority > other.priority
  end
  return one.position < other.position
end

-- Returns the average cost of what is done, or nil.
local function average_of(runs)
  local sum, count = 0, 0
  for _, run in ipairs(runs) do
    if run.state == "done" and run.cost then
      sum, count = sum + run.cost, count + 1
    end
  end
  return count > 0 and sum / count or nil
end

-- Returns the dollars that what has not ended may still cost.
local function expected(runs, average)
  local sum = 0
  for _, run in ipairs(runs) do
    if run.is_open then
      sum = sum + math.max(0, average - (run.cost or 0))
    end
  end
  return sum
end

-- Returns a text that names some keys.
local function quoted(keys)
  local words = {}
  for place = 1, math.min(3, #keys) do
    words[place] = "'" .. keys[place] .. "'"
  end
  if #keys > 3 then
    words[3] = ("%d others"):format(#keys - 2)
  end
  return table.concat(words, ", ")
end

-- Returns a function that tells why a queued run would not start, or nil. Called in the order of the claims.
local function reasons(runs, needs, totals)
  local fleet, now, groups, done = totals.fleet, totals.now, {}, 0
  for _, run in ipairs(runs) do
    if run.is_live and run.exclusive then
      groups[run.exclusive] = run.key
    elseif run.state == "done" and run.position <= fleet.canary then
      done = done + 1
    end
  end
  local has_canaries = done < math.min(fleet.canary, fleet.added)
  local is_over_budget = fleet.budget and fleet.cost >= SHARE_TO_STOP * fleet.budget
  return function(run)
    local group = run.exclusive
    if run.unmet > 0 then
      return "for " .. quoted(needs[run.key] or {})
    elseif has_canaries and run.position > fleet.canary then
      return ("for the canaries, the first %d"):format(fleet.canary)
    elseif group and groups[group] then
      return ("for '%s', of the same exclusive group"):format(groups[group])
    elseif is_over_budget then
      return "for a larger budget"
    elseif run.not_before > now then
      return ("%s, because: %s"):format(durations.text(run.not_before - now), run.error or "it was sent back")
    elseif group then
      groups[group] = run.key
    end
  end
end

--- Makes the plan of a fleet.
---@param runs table[] all `openhands.Run`s of the fleet, in their order
---@param needs table<string, string[]> keys for which queued items wait, by the item's key
---@param totals openhands.LedgerTotals
---@return openhands.FleetPlan
function M.new(runs, needs, totals)
  local fleet = totals.fleet
  local plan = { fleet = fleet.fleet, start = {}, take_up = {}, wait = {}, ended = {}, cost = totals.cost }
  local queued = {}
  for _, run in ipairs(runs) do
    run.is_live = run.state == "starting" or run.state == "running" or run.state == "paused"
    run.is_open = run.is_live or run.state == "queued"
    if run.state == "queued" then
      queued[#queued + 1] = run
    else
      table.insert(run.is_live and plan.take_up or plan.ended, run.key)
    end
  end
  table.sort(queued, is_before)
  local why = reasons(runs, needs, totals)
  for _, run in ipairs(queued) do
    local reason = why(run)
    if reason then
      table.insert(plan.wait, { key = run.key, why = reason })
    else
      table.insert(plan.start, run.key)
    end
  end
  plan.at_once = math.min(fleet.account_slots, fleet.learned_slots or math.huge, fleet.slots or math.huge)
  plan.average_cost = average_of(runs)
  plan.expected_cost = plan.average_cost and expected(runs, plan.average_cost)
  return setmetatable(plan, Plan)
end

-- Adds lines for some keys.
local function list(lines, title, items, line_of)
  for place = 1, math.min(#items, MOST_LINES) do
    lines[#lines + 1] = ("%s  %s"):format(title, line_of(items[place]))
  end
  if #items > MOST_LINES then
    lines[#lines + 1] = ("%s  and %d more"):format(title, #items - MOST_LINES)
  end
end

local function same(key)
  return text.line(key)
end

function Plan:__tostring()
  local first = ("%s: %d to start, %d at a time; %d to take up; %d that wait; %d that have ended"):format(
    text.line(self.fleet), #self.start, self.at_once, #self.take_up, #self.wait, #self.ended)
  local cost = "no cost is known to expect"
  if self.expected_cost then
    cost = ("expected to cost %s more, %s for each"):format(numbers.money(self.expected_cost),
      numbers.money(self.average_cost))
  end
  local lines = { first .. "; " .. cost }
  list(lines, "take up", self.take_up, same)
  list(lines, "start  ", self.start, same)
  list(lines, "wait   ", self.wait, function(wait)
    return ("%s  %s"):format(text.line(wait.key), text.line(wait.why))
  end)
  return table.concat(lines, "\n")
end

return M
