--- Words about conversations, for messages and buffers. What the service sends is shown as text only: without control
--- characters, and nothing that changes the order of other texts.

local clean = require "openhands.display.text"
local rows = require "openhands.display.row"
local widths = require "openhands.display.width"

local M = {}

local LONGEST_NAME = 60 -- columns
local LONGEST_DETAIL = 200

--- Returns a text of the service as one line.
---@param text any
---@return string
function M.line(text)
  return clean.line(tostring(text))
end

--- Returns a text of the service as lines.
---@param text string
---@return string[]
function M.lines(text)
  return vim.split(clean.lines(text), "\n", { plain = true })
end

--- Returns what follows `--` at the beginning of a text.
---@param text string
---@return string?
function M.after_dashes(text)
  return (text .. " "):find "^%-%-[ \t\n]" and text:gsub("^%-%-[ \t\n]*", "") or nil
end

local function shortened(text, columns)
  return (widths.truncate(clean.line(text), columns))
end

--- Returns whether a conversation has a title of its own, not one that the service gives to each.
---@param conversation openhands.Conversation
---@return boolean
function M.has_title(conversation)
  return conversation.title ~= nil and rows.of({ title = conversation.title }).name ~= rows.of({}).name
end

--- Returns what people call a conversation: its title, else its repository, else its id.
---@param conversation openhands.Conversation
---@return string
function M.name(conversation)
  return shortened(rows.of(conversation).name, LONGEST_NAME)
end

local outcomes = {
  finished = "has finished",
  failed = "has failed",
  waiting = "waits for you to confirm something",
  paused = "is paused",
  stopped = "has stopped",
  gone = "is gone",
  starting = "is starting",
  running = "is running",
  unknown = "is in an unknown state",
}

--- Returns a sentence about the state of a conversation.
---@param conversation openhands.Conversation
---@return string
function M.outcome(conversation)
  local words = M.name(conversation) .. " " .. (outcomes[conversation.state] or "is " .. M.line(conversation.state))
  local pull_request = conversation.pull_requests and conversation.pull_requests[1]
  if conversation.detail and conversation.state ~= "finished" then
    words = words .. ": " .. shortened(conversation.detail, LONGEST_DETAIL)
  elseif pull_request then
    words = words .. ": " .. M.line(pull_request)
  end
  return words
end

return M
