--- Writes many conversations as a table: those in trouble first, and a line of totals at the end. Pure: it reads no
--- clock, no terminal and no environment.

local numbers = require "openhands.display.number"
local rows_of = require "openhands.display.row"
local spans = require "openhands.display.spans"
local texts = require "openhands.display.text"
local widths = require "openhands.display.width"

local M = {}

local USUAL_COLUMNS = 80
local GAP = 2
local LEAST_WORDS = 16 -- columns; with less room for what happened last, that column is left out
local LEAST_NAME = 12 -- columns, as long as another column can be left out instead

--- States, those in trouble first.
M.STATES = { "failed", "waiting", "paused", "stopped", "gone", "unknown", "starting", "running", "finished" }

local rank = {}
for place, state in ipairs(M.STATES) do
  rank[state] = place
end

local function rank_of(row)
  return rank[row.state] or rank.unknown
end

-- The columns in their order.
local COLUMNS = {
  { name = "state", title = "STATE" },
  { name = "name", title = "CONVERSATION" },
  { name = "time", title = "TIME", at_left = true },
  { name = "cost_text", title = "COST", at_left = true },
  { name = "pull_request", title = "PR" },
  { name = "words", title = "LAST" },
}

-- Columns that are left out where there is no room, in this order.
local EXPENDABLE = { "words", "pull_request", "cost_text", "time", "state" }

-- Returns the number of the first pull request, and how many more there are.
local function short_pull_requests(row)
  local first, more = row.pull_requests[1], #row.pull_requests - 1
  if not first then
    return ""
  end
  return (first.name:match "#%d+$" or first.name) .. (more > 0 and (" +%d"):format(more) or "")
end

local function sorted(rows, now)
  local list = {}
  for place, each in ipairs(rows) do
    local row = rows_of.of(each, nil, now)
    row.place = place
    row.pull_request = short_pull_requests(row)
    list[place] = row
  end
  table.sort(list, function(one, other)
    local left, right = rank_of(one), rank_of(other)
    return left < right or left == right and one.place < other.place
  end)
  return list
end

local function widest(rows, column, ascii)
  local width = 0
  for _, row in ipairs(rows) do
    local text = row[column.name]
    if text ~= "" and text ~= "-" then
      width = math.max(width, widths.width(ascii and texts.ascii(text) or text))
    end
  end
  return width > 0 and math.max(width, #column.title) or 0
end

-- Returns the widths of the columns that fit, by name. A column without any value is left out.
local function fit(rows, columns, ascii)
  local chosen = {}
  for _, column in ipairs(COLUMNS) do
    local width = widest(rows, column, ascii)
    chosen[column.name] = width > 0 and width or nil
  end
  local function taken_by_others(name)
    local taken = 0 ---@type number
    for _, column in ipairs(COLUMNS) do
      if column.name ~= name and column.name ~= "words" and chosen[column.name] then
        taken = taken + chosen[column.name] + GAP
      end
    end
    return taken
  end
  ---@type number
  local name = math.min(chosen.name, math.max(LEAST_NAME, math.floor(columns * 0.4)))
  for _, expendable in ipairs(EXPENDABLE) do
    local words = chosen.words and GAP + LEAST_WORDS or 0
    if taken_by_others "name" + math.min(name, LEAST_NAME) + words <= columns then
      break
    end
    chosen[expendable] = nil
  end
  local words = chosen.words and math.min(chosen.words, math.max(LEAST_WORDS, 0)) + GAP or 0
  chosen.name = math.max(1, math.min(chosen.name, columns - taken_by_others "name" - words))
  if chosen.words then
    chosen.name = math.min(chosen.name, name)
    chosen.words = columns - taken_by_others "words"
  end
  return chosen
end

local function heading(chosen, ascii)
  local builder = spans.new(ascii)
  for place, column in ipairs(COLUMNS) do
    if chosen[column.name] then
      builder:add(place > 1 and builder.width > 0 and (" "):rep(GAP) or "")
      builder:add_cell(column.title, "heading", chosen[column.name], column.at_left)
    end
  end
  return builder:line()
end

local groups = { name = "name", time = "time", cost_text = "cost", pull_request = "pull_request", words = "words" }

local function line_of(row, chosen, ascii)
  local builder = spans.new(ascii)
  for _, column in ipairs(COLUMNS) do
    local width = chosen[column.name]
    if width then
      local url = column.name == "name" and row.url
        or column.name == "pull_request" and row.pull_requests[1] and row.pull_requests[1].url or nil
      builder:add(builder.width > 0 and (" "):rep(GAP) or "")
      builder:add_cell(row[column.name], groups[column.name] or spans.of_state(row.state), width, column.at_left, url)
    end
  end
  return builder:line(row)
end

-- Returns the words of the totals: how many there are in each state, and what they cost.
local function totals_of(rows)
  local counts, cost, has_cost = {}, 0, false
  for _, row in ipairs(rows) do
    local state = rank[row.state] and row.state or "unknown"
    counts[state] = (counts[state] or 0) + 1
    cost, has_cost = cost + (row.cost or 0), has_cost or row.cost ~= nil
  end
  local words = {}
  for _, state in ipairs(M.STATES) do
    if counts[state] then
      words[#words + 1] = { ("%d %s"):format(counts[state], state), spans.of_state(state) }
    end
  end
  if has_cost then
    words[#words + 1] = { numbers.money(cost), "cost" }
  end
  return words
end

local function totals(rows, columns, ascii)
  local builder = spans.new(ascii)
  local beginning = ("%d conversation%s"):format(#rows, #rows == 1 and "" or "s")
  builder:add_cell(beginning, "total", math.min(#beginning, columns))
  for place, each in ipairs(totals_of(rows)) do
    local separator = place == 1 and ": " or ", "
    if builder.width + #separator + #each[1] > columns then
      break
    end
    builder:add(separator)
    builder:add(each[1], each[2])
  end
  return builder:line()
end

-- Returns a line about the rows for which there is no room.
local function hidden(rows, first, columns, ascii)
  local builder = spans.new(ascii)
  builder:add_cell(("... and %d more"):format(#rows - first + 1), "total", columns)
  return builder:line()
end

--- Returns the lines of a board. Each has its text, its spans, and the `conversation_id` and `url` of the conversation
--- that it is about; the heading and the totals have none.
---@param rows table[] conversations, or tables with the same fields; or tables with the fields `conversation` and
--- `last_event`, which is an event or a text
---@param options { columns: integer?, rows: integer?, now: number?, ascii: boolean?, urls: boolean? }? `columns`: 80 if
--- not given; `rows`: the most lines; `now`: seconds since 1970, for tables with `created_at` and without `elapsed`;
--- `urls`: the page of each conversation below its row, where there is room
---@return openhands.DisplayLine[]
function M.lines(rows, options)
  options = options or {}
  local columns, ascii = math.max(1, math.floor(options.columns or USUAL_COLUMNS)), options.ascii
  local list, lines = sorted(rows, options.now), {}
  if #list == 0 then
    return { totals(list, columns, ascii) }
  end
  local chosen = fit(list, columns, ascii)
  lines[1] = heading(chosen, ascii)
  local most = options.rows and math.max(options.rows - 1, 2) or math.huge
  for place, row in ipairs(list) do
    local is_last = place == #list
    if #lines >= most - (is_last and 0 or 1) then
      lines[#lines + 1] = hidden(list, place, columns, ascii)
      break
    end
    lines[#lines + 1] = line_of(row, chosen, ascii)
    if options.urls and row.url and GAP + #row.url <= columns and #lines < most - 1 then
      local builder = spans.new(ascii)
      builder:add((" "):rep(GAP))
      builder:add(row.url, "link", row.url)
      lines[#lines + 1] = builder:line(row)
    end
  end
  lines[#lines + 1] = totals(list, columns, ascii)
  return lines
end

return M
