--- Writes an event as one line for people: what was said, done, or seen. Events come from outside: the line has no
--- control and no invisible characters, is well-formed UTF-8 and short, and secrets in it are redacted.

local parts = require "openhands.display.event.parts"
local redaction = require "openhands.display.redaction"
local v0 = require "openhands.display.event.v0"
local v1 = require "openhands.display.event.v1"

local M = {}

local LONGEST = 500 -- bytes of a line

-- Writes an event that is of no known kind by what such events mostly have.
local function unknown(event)
  local kind = parts.words_in(event, "kind", "action", "observation", "type")
  local words = parts.words_in(event, "message", "detail", "error", "reason", "summary", "title", "name", "status",
    "command", "code", "key") or parts.content(rawget(event, "content"))
  return parts.labelled(kind and parts.split_name(kind) or "event", words)
end

local function line_of(words, event)
  local line = redaction.line(words, LONGEST, event)
  return line == "" and "event" or line
end

--- Returns an event as one line.
---@param event any
---@return string line at most 500 bytes, never empty
function M.text(event)
  if type(event) ~= "table" then
    return line_of(parts.words(event) or "event")
  end
  local kind = rawget(event, "kind")
  local words = type(kind) == "string" and v1.of(event, kind) or v0.of(event) or unknown(event)
  return line_of(words, event)
end

return M
