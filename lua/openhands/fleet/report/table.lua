--- Writes a report as a table that fits the terminal.

local columns = require "openhands.display.width"
local durations = require "openhands.display.duration"
local entry = require "openhands.fleet.report.entry"
local links = require "openhands.display.links"
local numbers = require "openhands.display.number"
local text = require "openhands.display.text"

local M = {}

local USUAL_WIDTH = 80 -- columns, where the terminal does not tell
local LEAST_WIDTH = 24
local MOST_WIDTH = 1000
local MOST_ROWS = 200 -- more would hide what matters; the other formats have all
local LONGEST_CELL = 2000 -- bytes that are looked at for a cell; more never fits
local GAP = 2 -- columns between two cells

local function terminal_width(given)
  local width = given or tonumber(os.getenv "COLUMNS")
  if not width or width ~= width or width < 1 then
    width = USUAL_WIDTH
  end
  return math.floor(math.max(LEAST_WIDTH, math.min(width, MOST_WIDTH)))
end

local function cell(value)
  return text.line(#value > LONGEST_CELL and value:sub(1, LONGEST_CELL) or value)
end

-- Returns the names of a run's pull requests; only the number of one of the item's own repository.
local function pull_requests(run)
  local names = {}
  for _, each in ipairs(run.pull_requests) do
    local address = links.safe(each.url)
    local name = address and links.pull_request_name(address)
    if name then
      names[#names + 1] = name:sub(1, #run.key + 1) == run.key .. "#" and name:sub(#run.key + 1) or name
    end
  end
  return table.concat(names, " ")
end

-- Returns what became of a run, in words.
local function outcome(run)
  local words = run.state ~= "done" and run.error or run.answer or run.error or ""
  local pulls = pull_requests(run)
  return cell(pulls == "" and words or pulls .. "  " .. words)
end

local function cells_of(run)
  return {
    state = run.state, key = cell(run.key), time = durations.text(run.seconds), cost = numbers.money(run.cost),
    outcome = outcome(run), url = (run.state ~= "done" and links.safe(run.url)) or nil,
  }
end

-- The columns, in their order. Those that shrink share what the others leave.
local COLUMNS = {
  { name = "state", title = "STATE" },
  { name = "key", title = "ITEM", shrinks = true },
  { name = "time", title = "TIME", is_number = true },
  { name = "cost", title = "COST", is_number = true },
  { name = "outcome", title = "OUTCOME", shrinks = true },
}

local LEAST_TEXTS = 32 -- columns for the item and its outcome; with fewer the outcome is left out

local function widest(rows, column)
  local width = #column.title
  for _, row in ipairs(rows) do
    width = math.max(width, columns.width(row[column.name]))
  end
  return width
end

-- Returns the widths of the columns that fit, by name.
local function fit(rows, width)
  local widths, total = {}, -GAP ---@type table<string, number>, number
  for _, column in ipairs(COLUMNS) do
    widths[column.name] = widest(rows, column)
    if not column.shrinks then
      total = total + widths[column.name] + GAP
    end
  end
  local left = width - total - 2 * GAP -- for the item and its outcome
  if left < LEAST_TEXTS then
    widths.outcome = nil
    left = left + GAP
    for _, name in ipairs { "cost", "time" } do
      if left < math.min(widths.key, 12) then
        left, widths[name] = left + widths[name] + GAP, nil
      end
    end
    widths.key = math.max(1, math.min(widths.key, left))
    return widths
  end
  local half = math.max(8, math.floor(left * 0.4))
  widths.key = math.min(widths.key, math.max(half, left - widths.outcome))
  widths.outcome = math.min(widths.outcome, left - widths.key)
  return widths
end

local function write_row(lines, row, widths)
  local cells = {}
  for _, column in ipairs(COLUMNS) do
    if widths[column.name] then
      cells[#cells + 1] = columns.fit(row[column.name], widths[column.name], column.is_number)
    end
  end
  lines[#lines + 1] = (table.concat(cells, (" "):rep(GAP)):gsub(" +$", ""))
end

-- Writes how many runs there are in each state, in lines that fit.
local function write_totals(lines, report, width)
  local words = { ("%d %s"):format(report.total, report.total == 1 and "run" or "runs") }
  for _, state in ipairs(entry.STATES) do
    if report.counts[state] > 0 then
      words[#words + 1] = ("%d %s"):format(report.counts[state], state)
    end
  end
  if report.total > 0 then
    words[#words + 1] = numbers.money(report.cost)
  end
  if report.without_cost > 0 then
    words[#words + 1] = ("cost of %d unknown"):format(report.without_cost)
  end
  if report.seconds then
    words[#words + 1] = durations.text(report.seconds)
  end
  local line = ""
  for place, word in ipairs(words) do
    local separator = place == 1 and "" or place == 2 and ": " or ", "
    if line ~= "" and #line + #separator + #word >= width then
      lines[#lines + 1], line = columns.truncate(line .. ",", width), "  " .. word
    else
      line = line .. separator .. word
    end
  end
  lines[#lines + 1] = columns.truncate(line, width)
end

--- Writes the table, without a line break at its end.
---@param report openhands.Report
---@param width integer? columns; nil: those of the terminal
---@return string
function M.write(report, width)
  width = terminal_width(width)
  local lines, rows = {}, {}
  if report.fleet then
    lines[1] = columns.truncate(cell("Fleet " .. report.fleet), width)
  end
  for place, run in ipairs(entry.by_urgency(report.runs)) do
    if place > MOST_ROWS then
      break
    end
    rows[place] = cells_of(run)
  end
  if #rows > 0 then
    local widths, titles = fit(rows, width), {}
    for _, column in ipairs(COLUMNS) do
      titles[column.name] = column.title
    end
    write_row(lines, titles, widths)
    for _, row in ipairs(rows) do
      write_row(lines, row, widths)
      if row.url and #row.url + GAP <= width then
        lines[#lines + 1] = (" "):rep(GAP) .. row.url
      end
    end
  end
  if report.total > #rows then
    lines[#lines + 1] = columns.truncate(("… and %d more runs"):format(report.total - #rows), width)
  end
  write_totals(lines, report, width)
  return table.concat(lines, "\n")
end

return M
