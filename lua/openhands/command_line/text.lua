--- Prepares texts of the service for a terminal: what a title or an answer holds must not move the cursor.

local numbers = require "openhands.display.number"
local texts = require "openhands.display.text"

local M = {}

--- Returns a value as one safe line.
---@param value any nil, or an empty text: a dash
---@return string
function M.line(value)
  local line = value ~= nil and texts.line(tostring(value)) or ""
  return line ~= "" and line or "-"
end

--- Returns a text of several lines without control characters, except the ends of lines.
---@param value string
---@return string
function M.lines(value)
  return texts.lines(value)
end

--- Returns a text of a file in which nothing is hidden: marks stand for control and invisible characters.
---@param value string
---@return string
function M.revealed(value)
  return texts.revealed(value)
end

--- Returns an amount of dollars.
---@param cost any
---@return string
function M.money(cost)
  return numbers.money(numbers.is_finite(cost) and cost >= 0 and cost or nil)
end

--- Quotes a word for a shell, if it needs quotes.
---@param word string
---@return string
function M.shell_word(word)
  if word:find "^[0-9A-Za-z_./:@%%+=-]+$" then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

return M
