--- Gives events the field `text`, and the same line to `tostring`. It is written when it is asked for, and not stored:
--- `pairs`, copies and JSON encoders see an event as the service sent it.

local core = require "openhands.core"
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

-- Moves a field `text` of the service, which would hide the line.
local function move_sent(event)
  local sent = rawget(event, "text")
  if sent ~= nil then
    event.fields, event.text = type(event.fields) == "table" and event.fields or {}, nil
    event.fields.text = sent
  end
end

--- Makes all tables of a list events.
---@param client openhands.Client
---@param list any
---@return any list the same one
function M.all(client, list)
  if type(list) ~= "table" then
    return list
  end
  client._event_class = client._event_class or new(client)
  if core.set_metatables(list, client._event_class, "text") then
    for _, event in ipairs(list) do
      if type(event) == "table" then
        move_sent(event)
      end
    end
  end
  return list
end

--- Makes what a client has received an event.
---@param client openhands.Client
---@param event any
---@return any event the same value
function M.one(client, event)
  return M.all(client, { event })[1]
end

return M
