--- Writes one conversation as one line: its name, state, time, cost, what happened last, and its page if there is room.

local rows = require "openhands.display.row"
local spans = require "openhands.display.spans"
local widths = require "openhands.display.width"

local M = {}

local LEAST_WORDS = 20 -- columns; with less room for what happened last, it gives way to the page or is left out
local MOST_NAME = 40

local GAP = "  "

-- Returns how many columns the name may take: all it needs, but no more than leaves the state and time their room.
local function room_for_name(row, columns)
  local rest = #GAP + #row.state + 1 + #row.time
  return math.max(1, math.min(widths.width(row.name), MOST_NAME, columns - rest))
end

--- Returns the line of a conversation with its spans.
---@param conversation table a conversation, or a table with the same fields
---@param columns integer? its most columns; nil: as many as it needs
---@param last_event any an event or a text
---@param ascii boolean? whether to show ASCII only
---@return openhands.DisplayLine
function M.spans(conversation, columns, last_event, ascii)
  local row = rows.of(conversation, last_event)
  columns = columns or math.huge --[[@as integer]]
  local builder = spans.new(ascii)
  builder:add_cell(row.name, "name", room_for_name(row, columns))
  builder:add(GAP)
  builder:add(row.state, spans.of_state(row.state))
  builder:add(" ")
  builder:add(row.time, "time")
  if row.cost and builder.width + #GAP + #row.cost_text <= columns then
    builder:add(GAP)
    builder:add(row.cost_text, "cost")
  end
  for _, each in ipairs(row.pull_requests) do
    if builder.width + #GAP + #each.name <= columns then
      builder:add(GAP)
      builder:add(each.name, "pull_request", each.url)
    end
  end
  local url = row.url and #GAP + #row.url or 0
  local needed = row.words == "" and 0 or math.min(LEAST_WORDS, widths.width(row.words)) + #GAP
  local has_room_for_url = url > 0 and builder.width + needed + url <= columns
  local left = columns - builder.width - #GAP - (has_room_for_url and url or 0)
  if row.words ~= "" and left >= math.min(LEAST_WORDS, widths.width(row.words)) then
    builder:add(GAP)
    builder:add_cell(row.words, "words", math.min(left, widths.width(row.words)))
  end
  if has_room_for_url then
    builder:add(GAP)
    builder:add(row.url --[[@as string]], "link", row.url)
  end
  return spans.cut(builder:line(row), columns, ascii)
end

--- Returns the line of a conversation as plain text.
---@param conversation table a conversation, or a table with the same fields
---@param columns integer? its most columns; nil: as many as it needs
---@param last_event any an event or a text
---@param ascii boolean? whether to show ASCII only
---@return string
function M.line(conversation, columns, last_event, ascii)
  return M.spans(conversation, columns, last_event, ascii).text
end

return M
