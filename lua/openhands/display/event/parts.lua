--- Takes parts of events that came from outside: any field may have any type, and any length.

local core = require "openhands.core"

local M = {}

-- Bytes of one text. More than `core.redact` reads of a text: a secret that is cut in half here is never shown.
local MOST = 20000
local MOST_BLOCKS = 20 -- of a content
local LONGEST_NAME = 100 -- bytes of a name that is split into words

--- Returns a field of a table, without its metamethods.
---@param owner any
---@param name any
---@return any value nil if the owner is no table
function M.field(owner, name)
  if type(owner) == "table" then
    return rawget(owner, name)
  end
end

--- Returns a field that is a table, else an empty one.
---@param owner any
---@param name any
---@return table
function M.table_in(owner, name)
  local value = M.field(owner, name)
  return type(value) == "table" and value or {}
end

local function filled(text)
  return text:find "[^ \t\r\n]" and text or nil
end

--- Returns a text, a number or a boolean in words.
---@param value any
---@return string? words nil if it is another value, or blank
function M.words(value)
  if type(value) == "string" then
    return filled(#value > MOST and value:sub(1, MOST) or value)
  elseif type(value) == "boolean" then
    return tostring(value)
  elseif type(value) == "number" then
    return (tostring(value):gsub(",", ".")) -- some locales have a decimal comma
  end
end

--- Returns the first of several fields that has words.
---@param owner any
---@param ... string names
---@return string?
function M.words_in(owner, ...)
  for place = 1, select("#", ...) do
    local words = M.words(M.field(owner, (select(place, ...))))
    if words then
      return words
    end
  end
end

local function is_image(block)
  return M.field(block, "type") == "image" or M.field(block, "image_urls") ~= nil
end

-- Returns the value of a block that may be a text.
local function text_of(block)
  if type(block) == "table" then
    return rawget(block, "text")
  end
  return block
end

--- Returns the words of a content: a text, a block, or a list of blocks.
---@param content any
---@return string?
function M.content(content)
  local own = M.words(text_of(content))
  if own or type(content) ~= "table" then
    return own
  end
  local pieces = {}
  for place = 1, MOST_BLOCKS do
    local block = rawget(content, place)
    pieces[#pieces + 1] = M.words(text_of(block)) or is_image(block) and "[image]" or nil
  end
  return pieces[1] and table.concat(pieces, "\n") or nil
end

-- Returns the last line of a text that is not blank. It begins where a line begins, and never within a secret.
local function last_line(text)
  if #text > MOST then
    local tail = text:sub(-MOST):match "\n(.*)$"
    text = tail and filled(tail) or text:sub(1, MOST)
  end
  local last = #text
  while last > 0 and text:find("^[ \t\r\n]", last) do
    last = last - 1
  end
  text = text:sub(1, last)
  return text:match "^.*\n(.*)$" or text
end

--- Returns the last line of a content that is not blank: of a command's output, it mostly tells how it ended.
---@param content any
---@return string?
function M.last_line(content)
  local text = text_of(content)
  if type(content) == "table" and type(text) ~= "string" then
    for place = MOST_BLOCKS, 1, -1 do
      text = text_of(rawget(content, place))
      if type(text) == "string" and filled(text) then
        break
      end
    end
  end
  return type(text) == "string" and filled(text) and last_line(text) or nil
end

--- Returns a name such as "BrowserGoBack" or "agent_state_changed" as words in lower case.
---@param name string
---@return string
function M.split_name(name)
  name = (name:sub(-LONGEST_NAME):match "[^.]*$" or "") -- older servers name a kind by the path of its class
  name = name:gsub("([A-Z]+)([A-Z][a-z])", "%1 %2"):gsub("([a-z0-9])([A-Z])", "%1 %2"):gsub("_", " ")
  return core.lower(name)
end

--- Joins a label and what is known behind it.
---@param label string
---@param words string?
---@return string
function M.labelled(label, words)
  return words and label .. ": " .. words or label
end

return M
