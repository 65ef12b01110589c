--- Writes texts into HTML.

local text = require "openhands.display.text"

local M = {}

local ESCAPED = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escaped(value)
  return (value:gsub("[&<>\"']", ESCAPED))
end

--- Returns a foreign text of one line, for the content of an element or for an attribute in quotation marks.
---@param value string
---@return string
function M.line(value)
  return escaped(text.line(value))
end

--- Returns a foreign text with its line breaks.
---@param value string
---@return string
function M.lines(value)
  return escaped(text.lines(value))
end

--- Returns a link.
---@param address string as `links.safe` returns it
---@param name string
---@return string
function M.link(address, name)
  return ('<a href="%s" rel="noopener noreferrer"><bdi>%s</bdi></a>'):format(escaped(address), M.line(name))
end

return M
