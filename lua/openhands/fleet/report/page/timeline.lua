--- Draws when the runs of a report were live, as a picture within the page. Runs follow each other in lanes, so that
--- there are as many lanes as runs were live at once.

local durations = require "openhands.display.duration"
local html = require "openhands.fleet.report.page.html"
local numbers = require "openhands.display.number"

local M = {}

local LANE = 16 -- pixels from one lane to the next
local BAR = 12
local AXIS = 24 -- pixels below the lanes
local MOST_LANES = 64
local MOST_TICKS = 6
local LEAST_WIDTH = 0.15 -- per cent of the width, so that a short run can be seen

local STEPS = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
  604800 }

-- Distributes runs over lanes. Returns the runs that were started, the earliest first; the lane of each; the number of
-- lanes; and the number of runs for which there is none.
local function distribute(runs)
  local started = {}
  for place, run in ipairs(runs) do
    if run.started_at then
      started[#started + 1] = { run = run, place = place, from = run.started_at, to = run.started_at + run.seconds }
    end
  end
  table.sort(started, function(a, b)
    if a.from ~= b.from then
      return a.from < b.from
    end
    return a.place < b.place
  end)
  local free_from, hidden = {}, 0 -- of each lane: when it is free
  for _, bar in ipairs(started) do
    for lane = 1, MOST_LANES do
      if not free_from[lane] or free_from[lane] <= bar.from then
        free_from[lane], bar.lane = bar.to, lane
        break
      end
    end
    hidden = hidden + (bar.lane and 0 or 1)
  end
  return started, #free_from, hidden
end

local function percent(value)
  return numbers.decimal(math.max(0, math.min(value, 100)), 3) .. "%"
end

local function step_of(span)
  for _, step in ipairs(STEPS) do
    if span / step <= MOST_TICKS then
      return step
    end
  end
  return span / MOST_TICKS
end

local function write_axis(pieces, span, height)
  local step = step_of(span)
  for tick = 0, math.floor(span / step) do
    local at = percent(tick * step / span * 100)
    pieces[#pieces + 1] = ('<line x1="%s" x2="%s" y1="0" y2="%d"/>'):format(at, at, height + 4)
    if tick * step / span <= 0.93 then
      pieces[#pieces + 1] = ('<text x="%s" y="%d" dx="3">%s</text>'):format(at, height + 18,
        tick == 0 and "0" or durations.text(tick * step):gsub("([a-z])00[a-z]$", "%1"))
    end
  end
end

--- Returns the picture, and the words for above it; nil if no run was started.
---@param report openhands.Report
---@param runs openhands.ReportRun[] those of the page's rows, in their order
---@return string?
---@return string? heading
function M.write(report, runs)
  local started, lanes, hidden = distribute(runs)
  if #started == 0 then
    return nil
  end
  local first, span, height = report.started_at, math.max(report.seconds --[[@as number]], 1), lanes * LANE
  local pieces = { ('<svg class="timeline" height="%d" role="img" aria-label="%s">'):format(height + AXIS,
    ("When the runs were live, over %s; the table has the same times"):format(durations.text(span))) }
  write_axis(pieces, span, height)
  for _, bar in ipairs(started) do
    if bar.lane then
      local from, width = (bar.from - first) / span * 100, (bar.to - bar.from) / span * 100
      width = math.max(width, LEAST_WIDTH)
      pieces[#pieces + 1] = ('<a href="#run-%d" tabindex="-1"><rect class="%s" x="%s" y="%d" width="%s" height="%d" '
        .. 'rx="2"><title>%s: %s, %s</title></rect></a>'):format(bar.place, bar.run.state,
        percent(math.min(from, 100 - LEAST_WIDTH)), (bar.lane - 1) * LANE + 2, percent(width), BAR,
        html.line(bar.run.key), bar.run.state, durations.text(bar.run.seconds))
    end
  end
  pieces[#pieces + 1] = "</svg>"
  if hidden > 0 then
    pieces[#pieces + 1] = ('<p class="note">%d more runs overlap with these.</p>'):format(hidden)
  end
  return table.concat(pieces, "\n"), lanes == 1 and "Timeline" or ("Timeline: up to %d at once"):format(lanes)
end

return M
