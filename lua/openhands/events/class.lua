--- Gives events the field `text`, and the same line to `tostring`. It is written when it is asked for, and not stored:
--- `pairs`, copies and JSON encoders see an event as the service sent it.

local deferred = require "openhands.deferred"
local displays = deferred.module "openhands.display.event"

local M = {}

--- An event of a conversation, with the fields of the service.
---@class openhands.Event
---@field text string one line for people, without secrets: what was said, done, or seen
---@field id string|integer
---@field kind string? V1: "MessageEvent", "ActionEvent", …
---@field action string|table|nil V0: name of the action; V1: the action of an ActionEvent
---@field observation string|table|nil V0: name of the observation; V1: the observation of an ObservationEvent
---@field source string? "user", "agent", "environment" or "hook"
---@field timestamp string?
---@field fields table? the service's value of `text`, if it sends one

local function text(event)
  return displays.text(event)
end

local function field(event, name)
  return name == "text" and text(event) or nil
end

-- Returns the metatable of one client's events.
local function new(client)
  return { __index = field, __tostring = text, __name = "openhands.Event", redactor = client:_redactor() }
end

local function add(event, class)
  local sent = event.text
  if sent ~= nil then -- it would hide the line
    event.fields, event.text = type(event.fields) == "table" and event.fields or {}, nil
    event.fields.text = sent
  end
  return setmetatable(event, class)
end

--- Makes what a client has received an event.
---@param client openhands.Client
---@param event any
---@return any event the same value
function M.one(client, event)
  client._event_class = client._event_class or new(client)
  return type(event) == "table" and add(event, client._event_class) or event
end

--- Makes all tables of a list events.
---@param client openhands.Client
---@param list any
---@return any list the same one
function M.all(client, list)
  if type(list) ~= "table" then
    return list
  end
  local class = client._event_class or new(client)
  client._event_class = class
  for place = 1, #list do
    local event = list[place]
    if type(event) == "table" then
      add(event, class)
    end
  end
  return list
end

return M
