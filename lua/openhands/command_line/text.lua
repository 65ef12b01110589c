--- Prepares texts of the service for a line of the terminal: what a title or an answer holds must not move the cursor.

local M = {}

--- Returns a value as one line: control characters become blanks, marks of direction are left out.
---@param value any nil: a dash
---@return string
function M.line(value)
  if value == nil or value == "" then
    return "-"
  end
  local text = tostring(value):gsub("[%z\1-\31\127]+", " ")
  if text:find "[\128-\255]" then
    text = text:gsub("\194[\128-\159]", ""):gsub("\226\128[\142\143\168-\174]", ""):gsub("\226\129[\166-\169]", "")
  end
  return text
end

--- Returns a text of several lines without control characters, except the ends of lines and tabs.
---@param value string
---@return string
function M.lines(value)
  local text = value:gsub("\r\n?", "\n"):gsub("[%z\1-\8\11-\31\127]", "")
  return (text:gsub("\194[\128-\159]", ""):gsub("\226\128[\142\143\168-\174]", ""):gsub("\226\129[\166-\169]", ""))
end

--- Returns an amount of dollars.
---@param cost any
---@return string
function M.money(cost)
  if type(cost) ~= "number" or cost ~= cost or cost < 0 or cost > 2 ^ 53 then
    return "-"
  end
  local cents = math.floor(cost * 100 + 0.5)
  return ("$%.0f.%02.0f"):format(math.floor(cents / 100), cents % 100)
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
