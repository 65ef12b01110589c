--- What a fleet is doing now, read from the ledger alone: any process that can open the ledger can ask, without a key
--- and without the service.

local durations = require "openhands.display.duration"
local entry = require "openhands.fleet.report.entry"
local numbers = require "openhands.display.number"
local text = require "openhands.display.text"

local M = {}

--- A live run, in the status of its fleet.
---@class openhands.LiveRun
---@field key string
---@field state openhands.RunState
---@field conversation_id string
---@field owner string? the worker that looks after it
---@field overdue number? seconds since which its worker has not looked after it; another one will take it over
---@field lease number? seconds until another worker may take it over, unless its worker still lives
---@field started_at number?
---@field seconds number?
---@field cost number?
---@field attempts integer

---@class openhands.FleetStatus
---@field fleet string name
---@field now number when the ledger was read, by its own clock, in seconds since 1970
---@field total integer runs
---@field queued integer
---@field live integer runs that are starting, running or paused: those that have a slot
---@field done integer
---@field failed integer
---@field ambiguous integer
---@field cancelled integer
---@field skipped integer
---@field counts table<openhands.RunState, integer> 0 where there are none
---@field cost number dollars, of all runs whose cost is known; that of a live run is the last one that was seen
---@field without_cost integer runs that are done or failed, and whose cost is not known
---@field slots integer most live runs of the account, as the user and the service allow
---@field fleet_slots integer? most live runs of the fleet; nil: only the account sets a limit
---@field paused_for number? seconds during which no run is started
---@field runs openhands.LiveRun[] those that are live
local FleetStatus = { __name = "openhands.FleetStatus" }
FleetStatus.__index = FleetStatus

local function live_run(row, now)
  local run = entry.read(row, now)
  local is_late = row.lease_until and row.lease_until <= now -- those that `claims.lua` takes over
  return {
    key = run.key, state = run.state, conversation_id = run.conversation_id, owner = row.owner,
    overdue = is_late and now - row.lease_until or nil,
    lease = not is_late and row.lease_until and row.lease_until - now or nil,
    started_at = run.started_at, seconds = run.seconds, cost = run.cost, attempts = run.attempts,
  }
end

--- Writes the counts in one line, and a line for each live run.
---@return string
function FleetStatus:__tostring()
  local words = {}
  for _, state in ipairs(entry.STATES) do
    if self.counts[state] > 0 then
      words[#words + 1] = ("%d %s"):format(self.counts[state], state)
    end
  end
  words[#words + 1] = numbers.money(self.cost)
  if self.paused_for then
    words[#words + 1] = "no starts for " .. durations.text(self.paused_for)
  end
  local slots = ("%d slots used"):format(self.slots)
  if self.fleet_slots and self.fleet_slots < self.slots then
    slots = ("%d slots used (%d for the account)"):format(self.fleet_slots, self.slots)
  end
  local lines = { ("%s: %d of %s, %d %s: %s"):format(text.line(self.fleet), self.live, slots, self.total,
    self.total == 1 and "run" or "runs", table.concat(words, ", ")) }
  for _, run in ipairs(self.runs) do
    lines[#lines + 1] = ("  %-8s  %s  %s  %s%s"):format(run.state, text.line(run.key), run.conversation_id,
      durations.text(run.seconds), run.overdue and ", without a worker for " .. durations.text(run.overdue) or "")
  end
  return table.concat(lines, "\n")
end

--- Reads the status of a fleet.
---@param ledger openhands.Ledger
---@param fields { account_id: string, fleet: string }
---@return openhands.FleetStatus?
---@return openhands.Error? err
function M.read(ledger, fields)
  local totals, err = ledger:totals(fields)
  if not totals then
    return nil, err
  end
  local row, counts = totals.fleet, totals.counts
  local self = setmetatable({
    fleet = row.fleet, now = totals.now, total = 0, counts = counts, cost = totals.cost,
    without_cost = totals.without_cost, queued = counts.queued, done = counts.done, failed = counts.failed,
    ambiguous = counts.ambiguous, cancelled = counts.cancelled, skipped = counts.skipped,
    live = counts.starting + counts.running + counts.paused, runs = {},
    slots = math.min(row.account_slots, row.learned_slots or row.account_slots),
    fleet_slots = row.slots,
    paused_for = row.paused_for > 0 and row.paused_for or nil,
  }, FleetStatus)
  for _, number in pairs(counts) do
    self.total = self.total + number
  end
  for place, run in ipairs(totals.live) do
    self.runs[place] = live_run(run, totals.now)
  end
  return self
end

return M
