--- The report of a fleet: what became of each item, as values, as a table for people, as CSV, as JSON, as a web page.

local deferred = require "openhands.deferred"
local entry = require "openhands.fleet.report.entry"
local errors = require "openhands.errors"

local csv = deferred.module "openhands.fleet.report.csv"
local json = deferred.module "openhands.fleet.report.json"
local page = deferred.module "openhands.fleet.report.page"
local tables = deferred.module "openhands.fleet.report.table"

local M = {}

---@class openhands.Report
---@field fleet string? name
---@field now number when the ledger was read, in seconds since 1970
---@field runs openhands.ReportRun[] one of each item, in the order of the items
---@field total integer runs
---@field done integer
---@field failed integer
---@field ambiguous integer
---@field cancelled integer
---@field skipped integer
---@field queued integer
---@field live integer runs that are starting, running or paused
---@field counts table<openhands.RunState, integer> 0 where there are none
---@field cost number dollars, of all runs whose cost is known
---@field without_cost integer runs that are done or failed, and whose cost is not known
---@field started_at number? first start
---@field ended_at number? last end, if no run is live or queued
---@field seconds number? from the first start to the last end, or until now
---@field width integer? columns of the table; nil: those of the terminal
local Report = { __name = "openhands.Report" }
Report.__index = Report

--- Returns the table for people: the most urgent runs first, and a line of totals at the end.
---@return string
function Report:__tostring()
  return tables.write(self, self.width)
end

--- Returns the runs as CSV (RFC 4180, UTF-8), a line for each.
---@return string
function Report:csv()
  return csv.write(self)
end

--- Returns the report as a JSON object.
---@return string
function Report:json()
  return json.write(self)
end

--- Returns the report as a web page that needs no other file and no network.
---@return string
function Report:html()
  return page.write(self)
end

-- Adds up what the lines of totals say.
local function add_up(self)
  local first, last
  for _, run in ipairs(self.runs) do
    self.counts[run.state] = self.counts[run.state] + 1
    self.cost = self.cost + (run.cost or 0)
    if not run.cost and (run.state == "done" or run.state == "failed") then
      self.without_cost = self.without_cost + 1
    end
    if run.started_at then
      first = math.min(first or run.started_at, run.started_at)
      last = math.max(last or 0, run.started_at + run.seconds)
    end
  end
  local counts = self.counts
  for _, state in ipairs { "done", "failed", "ambiguous", "cancelled", "skipped", "queued" } do
    self[state] = counts[state]
  end
  self.live = counts.starting + counts.running + counts.paused
  self.started_at = first
  if first then
    local is_going_on = self.live + self.queued > 0
    self.ended_at = not is_going_on and last or nil
    self.seconds = math.max(is_going_on and self.now or 0, last --[[@as number]]) - first
  end
end

local OPTIONS = { fleet = "string", now = "number", width = "number" }

--- Makes a report.
---@param runs openhands.Run[] as the ledger reads them
---@param options { fleet: string?, now: number?, width: integer? }? `now`: when they were read, by the ledger's clock
---@return openhands.Report
function M.new(runs, options)
  options = options or {}
  for name, value in pairs(options) do
    if type(value) ~= OPTIONS[name] then
      errors.raise(("report: '%s' is no option, or not a %s"):format(tostring(name), OPTIONS[name] or "known one"))
    end
  end
  local self = setmetatable({
    fleet = options.fleet, now = options.now or os.time(), width = options.width,
    runs = {}, total = #runs, counts = {}, cost = 0, without_cost = 0,
  }, Report)
  for _, state in ipairs(entry.STATES) do
    self.counts[state] = 0
  end
  for place, row in ipairs(runs) do
    self.runs[place] = entry.read(row, self.now)
  end
  add_up(self)
  return self
end

return M
