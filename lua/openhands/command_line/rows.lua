--- Prints conversations as rows: columns that fit the terminal, or values separated by tabs where stdout is none.

local durations = require "openhands.display.duration"
local identifiers = require "openhands.command_line.identifier"
local paint = require "openhands.display.paint"
local spans = require "openhands.display.spans"
local text = require "openhands.command_line.text"

local M = {}

local GAP = "  "
local LEAST_NAME = 12 -- columns; with less, costs and times are left out

-- Returns the line with all values, separated by tabs.
local function tabbed(conversation)
  return table.concat({
    identifiers.of(conversation), conversation.state, text.money(conversation.cost),
    text.line(conversation.selected_repository), text.line(conversation.title), text.line(conversation.url),
  }, "\t")
end

local function name_of(conversation)
  local title = text.line(conversation.title)
  return title ~= "-" and title or text.line(conversation.selected_repository)
end

-- Returns the line for a terminal: the id, which leads to the page, the state, and what there is room for.
local function fitted(conversation, terminal)
  local builder = spans.new(terminal.ascii)
  builder:add(identifiers.of(conversation), "name", conversation.url)
  builder:add(GAP)
  builder:add_cell(text.line(conversation.state), spans.of_state(conversation.state), 8)
  for _, each in ipairs { { durations.text(conversation.elapsed), "time", 7 },
    { text.money(conversation.cost), "cost", 6 } } do
    if builder.width + #GAP + each[3] + #GAP + LEAST_NAME <= terminal.columns then
      builder:add(GAP)
      builder:add_cell(each[1], each[2], each[3], true)
    end
  end
  local left = terminal.columns - builder.width - #GAP
  if left >= LEAST_NAME then
    builder:add(GAP)
    builder:add_cell(name_of(conversation), nil, left --[[@as integer]])
  end
  return paint.ansi(builder:line(), terminal)
end

--- Prints conversations; only in plain output.
---@param session openhands.CommandSession
---@param conversations openhands.Conversation[]
function M.print(session, conversations)
  local terminal = session:stdout()
  for _, conversation in ipairs(conversations) do
    session.output:line(terminal.is_terminal and fitted(conversation, terminal) or tabbed(conversation))
  end
end

return M
