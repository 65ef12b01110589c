--- Writes what this library returns as text for people, of one or several lines.

local boards = require "openhands.display.board"
local core = require "openhands.core"
local events = require "openhands.display.event"
local redaction = require "openhands.display.redaction"
local rows = require "openhands.display.row"
local terminals = require "openhands.display.terminal"

local M = {}

local MOST_TEXT = 4000 -- bytes of an answer
local MOST_EVENTS = 200 -- of a list

local function class_of(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and rawget(class, "__name") or nil
end

local function verb_of(row)
  if row.time == "-" then
    return row.state
  end
  return ("%s %s %s"):format(row.state, row.settled and "after" or "for", row.time)
end

-- Returns the text of a conversation: what it is called, how it stands, where it is, and what it has said.
local function conversation_text(conversation)
  local row = rows.of(conversation)
  local repository = conversation.selected_repository
  local lines = { row.name }
  if type(repository) == "string" and repository ~= row.name then
    lines[#lines + 1] = "  " .. redaction.line(repository, 200, conversation)
  end
  lines[#lines + 1] = "  " .. verb_of(row) .. (row.cost and ", " .. row.cost_text or "")
  lines[#lines + 1] = row.url and "  " .. row.url
  for _, each in ipairs(row.pull_requests) do
    lines[#lines + 1] = "  " .. each.url
  end
  for _, name in ipairs { "detail", "answer" } do
    local words = conversation[name]
    if type(words) == "string" and words ~= "" then
      for line in (redaction.lines(words, MOST_TEXT, conversation) .. "\n"):gmatch "(.-)\n" do
        lines[#lines + 1] = line == "" and "" or "  " .. line
      end
    end
  end
  return table.concat(lines, "\n")
end

-- Returns the items of a list, or of a table with names, if all of them are of one class.
local function items_of(value, name)
  local items, names = {}, {}
  for key, item in pairs(value) do
    if class_of(item) ~= name then
      return nil
    end
    names[#names + 1] = key
  end
  table.sort(names, function(one, other)
    local is_number = type(one) == "number"
    if is_number ~= (type(other) == "number") then
      return is_number
    end
    return is_number and one < other or not is_number and core.is_before(tostring(one), tostring(other))
  end)
  for place, key in ipairs(names) do
    items[place] = value[key]
  end
  return items[1] and items
end

local function list_text(list)
  local lines, terminal = {}, terminals.of(1)
  local options = { columns = terminal.columns, ascii = terminal.is_terminal and terminal.ascii, urls = true }
  for place, line in ipairs(boards.lines(list, options)) do
    lines[place] = line.text
  end
  return table.concat(lines, "\n")
end

local function events_text(list)
  local lines = {}
  for place = 1, math.min(#list, MOST_EVENTS) do
    lines[place] = events.text(list[place])
  end
  if #list > MOST_EVENTS then
    lines[#lines + 1] = ("... and %d more"):format(#list - MOST_EVENTS)
  end
  return table.concat(lines, "\n")
end

--- Returns the text of a conversation, an event, a list of either, or of any other value of this library.
---@param value any
---@return string? text nil: it is no value of this library
function M.text(value)
  local class = class_of(value)
  if class == "openhands.Conversation" then
    return conversation_text(value)
  elseif type(class) == "string" then
    return (class == "openhands" or class:find "^openhands%.") and tostring(value) or nil
  elseif type(value) ~= "table" then
    return nil
  end
  local conversations, list = items_of(value, "openhands.Conversation"), items_of(value, "openhands.Event")
  return conversations and list_text(conversations) or list and events_text(list) or nil
end

return M
