--- Builds lines of which parts have a meaning: a terminal shows them in colours, an editor as highlights.

local columns = require "openhands.display.width"
local texts = require "openhands.display.text"

local M = {}

--- A part of a line: its first and last byte, and the group of its meaning, one of `M.GROUPS`.
---@class openhands.Span
---@field [1] integer
---@field [2] integer
---@field [3] string
---@field url string? the address that the part leads to

--- A line of text.
---@class openhands.DisplayLine
---@field text string
---@field spans openhands.Span[] the first one first, without overlaps
---@field conversation_id string? of the conversation that the line is about
---@field url string? page of that conversation

--- The groups. Those of states are "state_" and the state; a state that is not known here has "state_unknown".
M.GROUPS = {
  "heading", "total", "name", "time", "cost", "pull_request", "words", "link", "state_failed", "state_waiting",
  "state_paused", "state_stopped", "state_gone", "state_unknown", "state_starting", "state_running", "state_finished",
}

local is_group = {}
for _, group in ipairs(M.GROUPS) do
  is_group[group] = true
end

--- Returns the group of a state.
---@param state string
---@return string
function M.of_state(state)
  local group = "state_" .. state
  return is_group[group] and group or "state_unknown"
end

--- Returns a line with a text before it.
---@param text string clean
---@param line openhands.DisplayLine
---@return openhands.DisplayLine
function M.prefixed(text, line)
  local moved = {}
  for place, span in ipairs(line.spans) do
    moved[place] = { span[1] + #text, span[2] + #text, span[3], url = span.url }
  end
  return { text = text .. line.text, spans = moved, conversation_id = line.conversation_id, url = line.url }
end

--- Returns a line cut to a number of columns.
---@param line openhands.DisplayLine
---@param most number columns
---@param ascii boolean? whether it shows ASCII only
---@return openhands.DisplayLine
function M.cut(line, most, ascii)
  if #line.text <= most or columns.width(line.text) <= most then
    return line
  end
  local text, kept = columns.truncate(line.text, most --[[@as integer]], ascii), {}
  for _, span in ipairs(line.spans) do
    if span[1] <= #text then
      kept[#kept + 1] = { span[1], math.min(span[2], #text), span[3], url = span.url }
    end
  end
  return { text = text, spans = kept, conversation_id = line.conversation_id, url = line.url }
end

---@class openhands.LineBuilder
---@field private _pieces string[]
---@field private _bytes integer
---@field private _spans openhands.Span[]
---@field private _ascii boolean?
---@field width integer columns so far
local Builder = {}
Builder.__index = Builder

--- Begins a line.
---@param ascii boolean? whether to show ASCII only
---@return openhands.LineBuilder
function M.new(ascii)
  return setmetatable({ _pieces = {}, _bytes = 0, _spans = {}, _ascii = ascii, width = 0 }, Builder)
end

--- Adds a clean text.
---@param text string
---@param group string? nil: a text without a meaning
---@param url string?
function Builder:add(text, group, url)
  if self._ascii then
    text = texts.ascii(text)
  end
  if text == "" then
    return
  end
  self._pieces[#self._pieces + 1] = text
  self.width = self.width + columns.width(text)
  if group then
    self._spans[#self._spans + 1] = { self._bytes + 1, self._bytes + #text, group, url = url }
  end
  self._bytes = self._bytes + #text
end

--- Adds a text that is cut or filled with blanks to a number of columns; the blanks belong to no span.
---@param text string
---@param group string?
---@param width integer
---@param at_left boolean? puts the blanks before the text
---@param url string?
function Builder:add_cell(text, group, width, at_left, url)
  if self._ascii then
    text = texts.ascii(text)
  end
  local taken
  text, taken = columns.truncate(text, width, self._ascii)
  local blanks = (" "):rep(math.max(width - taken, 0))
  if at_left then
    self:add(blanks)
  end
  self:add(text, group, url)
  if not at_left then
    self:add(blanks)
  end
end

--- Returns the line, without blanks at its end.
---@param about openhands.DisplayRow?
---@return openhands.DisplayLine
function Builder:line(about)
  return {
    text = (table.concat(self._pieces):gsub(" +$", "")),
    spans = self._spans,
    conversation_id = about and about.conversation_id,
    url = about and about.url,
  }
end

return M
