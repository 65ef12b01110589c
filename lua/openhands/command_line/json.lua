--- Encodes what the command prints as JSON. Control characters and marks of direction are escaped, so that the text is
--- safe to show in a terminal.

local characters = require "openhands.display.characters"
local json = require "openhands.display.json"

local M = {}

local DEEPEST = 1000 -- tables within tables, as many as an answer may have

-- Escapes a character of two or three bytes.
local function escaped(bytes)
  return ("\\u%04x"):format((characters.decode(bytes, 1)))
end

--- Returns a text as a JSON string.
---@param text string
---@return string
function M.quoted(text)
  text = json.quoted(text):gsub("\127", "\\u007f")
  if text:find "[\194\226]" then
    text = text:gsub("\194[\128-\159]", escaped) -- controls of terminals with eight bits
      :gsub("\226\128[\142\143\168-\174]", escaped) -- marks of direction, and separators of lines
      :gsub("\226\129[\166-\169]", escaped)
  end
  return text
end

--- Returns a value as JSON in one line. What JSON cannot hold is null.
---@type fun(value: any): string
M.encode = json.encoder {
  quoted = M.quoted,
  deepest = DEEPEST,
  replace = function()
    return "null"
  end,
}

return M
