--- Shows how a fleet goes on while the command runs it: a board of the runs that are live or have failed, with the
--- totals of the ledger; a line for each new state where stderr is no terminal.

local boards = require "openhands.display.board"
local core = require "openhands.core"
local fleets = require "openhands.command_line.fleets"
local interruption = require "openhands.command_line.interruption"
local lives = require "openhands.display.live"
local spans = require "openhands.display.spans"

local M = {}

local DRAWING = 0.5 -- seconds between two drawings
local READING = 2 -- seconds between two looks into the ledger
local MOST_ROWS = 200
local PATIENCE = 10 -- seconds without news until a line says what the fleet waits for
local SHORT = 3 -- seconds of a wait for other processes that need no line

-- States of a board, where those of runs have other names. The ambiguous ones are as urgent as the failed.
local states = { ambiguous = "unknown", cancelled = "stopped", skipped = "stopped", done = "finished" }

local is_trouble = { failed = true, ambiguous = true, skipped = true, cancelled = true, paused = true }

local is_live = { starting = true, running = true, paused = true }

---@class openhands.FleetBoard
local Board = {}
Board.__index = Board

-- Returns the row of a run, as boards take it.
local function row_of(run, at)
  return {
    title = run.key, state = states[run.state] or run.state, conversation_id = run.conversation_id, cost = run.cost,
    settled = run.ended_at ~= nil, detail = run.error, last_event = run.error,
    elapsed = run.seconds and run.seconds + core.monotonic() - at or nil,
  }
end

-- Returns the line of totals: what the ledger counts, those that wait included.
local function totals_line(status, columns, ascii)
  local builder = spans.new(ascii)
  local first = tostring(status):match "^[^\n]*" or ""
  builder:add_cell(first, "total", math.min(#first, columns))
  return builder:line()
end

local function lines_of(self)
  local live, rows = self.live, {}
  local columns, ascii = live:columns(), live.terminal.ascii
  for _, run in ipairs(self.status and self.status.runs or {}) do
    if #rows < MOST_ROWS then
      rows[#rows + 1] = row_of(run, self.read_at)
    end
  end
  for _, run in pairs(self.troubled) do
    if #rows < 2 * MOST_ROWS then
      rows[#rows + 1] = row_of(run, self.read_at)
    end
  end
  local lines = {}
  if #rows > 0 then
    local options = { columns = columns, rows = live.terminal.rows - 2, ascii = ascii }
    lines = boards.lines(rows, options --[[@as table]])
    lines[#lines] = nil -- its totals are those of the rows that are shown
  end
  if self.status then
    lines[#lines + 1] = totals_line(self.status, columns, ascii)
  end
  return lines
end

local function read(self)
  local status = self.fleet:status()
  if status then
    self.status, self.read_at = status, core.monotonic()
  end
end

local function show_on(self, client)
  while not self.has_ended do
    if core.monotonic() - self.read_at >= READING then
      read(self)
    end
    self.live:draw(lines_of(self))
    client:sleep(DRAWING)
  end
end

-- Says once that nothing of the fleet can be started, while other lines have nothing to tell.
local function tell_waiting_on(self, client)
  local seen
  while not self.has_ended do
    seen = self.changes
    client:sleep(PATIENCE)
    local status = not self.has_ended and self.changes == seen and self.told ~= seen and self.fleet:status()
    if status and status.queued > 0 and status.live == 0 then
      self.told = seen
      local others, is_most = self.fleet:others()
      self.say(("waiting for a free slot: %.0f queued, %.0f slots for the account%s%s"):format(status.queued,
        status.slots, others > 0 and ", " .. fleets.others_words(others, is_most) or "",
        status.paused_for and (", nothing is started for %.0f s"):format(status.paused_for) or ""))
    end
  end
end

-- Says once that all that is live belongs to other processes, which may have ended.
local function tell_others_on(self, client)
  while not self.has_ended do
    client:sleep(SHORT)
    local status = not self.has_ended and next(self.own) == nil and self.fleet:status()
    local count, longest = 0, 0
    for _, run in ipairs(status and status.runs or {}) do
      count, longest = count + 1, math.max(longest, run.lease or 0)
    end
    if status and count == status.live and longest > SHORT and next(self.own) == nil then
      local is_one = count == 1
      return self.say_above(("waiting for %.0f %s; if %s ended, %s taken up within %.0f s"):format(count,
        is_one and "run of another process" or "runs of other processes", is_one and "that has" or "those have",
        is_one and "the run is" or "the runs are", math.ceil(longest)))
    end
  end
end

-- Takes a run whose state has changed.
local function take_change(self, run, previous)
  self.changes = self.changes + 1
  self.troubled[run.key] = is_trouble[run.state] and run.state ~= "paused" and run or nil
  self.own[run.key] = is_live[run.state]
  self.live:note(run.key, run.state, fleets.change_words(self.client, run, previous))
  self.read_at = -math.huge -- the ledger has news
end

--- Calls a function that runs a fleet, and shows progress meanwhile.
---@param session openhands.CommandSession
---@param fleet openhands.Fleet
---@param run fun(on_change: fun(run: openhands.Run, previous: string?)): any, any
---@return any value
---@return any err
function M.during(session, fleet, run)
  if session.output.is_quiet then
    return run(function() end)
  end
  local client = session:client()
  local self = setmetatable({
    fleet = fleet, client = client, troubled = {}, own = {}, read_at = -math.huge, changes = 0,
    say = function(line) session.output:say(line) end,
    live = lives.new { terminal = session:stderr(), write = function(words)
      session.output:write_error(words)
    end },
  }, Board)
  self.say_above = function(line) self.live:print(line) end
  local show = self.live.terminal.can_redraw and show_on or tell_waiting_on
  local others = { function() show(self, client) end, function() tell_others_on(self, client) end }
  local value, err = interruption.beside(client, function()
    return run(function(changed, previous)
      take_change(self, changed, previous)
    end)
  end, others, self)
  self.live:clear() -- the report follows
  return value, err
end

return M
