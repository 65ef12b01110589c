--- Assertions on the values that the library returns: errors and conversations have the documented form, without
--- secrets.
local core = require "openhands.core"
local canary = require "spec.support.canary"

local M = {}

local kinds = {}
for kind in ("authentication permission not_found invalid unsupported conflict throttled limit quota server connect "
  .. "timeout tls protocol too_large memory file ambiguous ledger fenced cancelled closed"):gmatch("%S+") do
  kinds[kind] = true
end

--- Fails unless a value is an error in the documented form, without secrets or words of the JSON library.
---@param err any
---@return openhands.Error err
function M.assert_error(err)
  if type(err) ~= "table" or not kinds[err.kind] then
    error("not an error of the library: " .. tostring(type(err) == "table" and err.kind or err), 2)
  end
  if type(err.message) ~= "string" or tostring(err) ~= err.message then error("an error without a message", 2) end
  if err.message:find("cjson", 1, true) or err.message:find("Expected", 1, true)
    or err.message:find("at character", 1, true) then
    error("the words of the JSON library: " .. err.message, 2)
  end
  canary.assert_no_secret(err)
  return err
end

local states = {}
for state in ("starting running waiting paused stopped finished failed gone unknown"):gmatch("%S+") do
  states[state] = true
end

--- Fails unless a value is a conversation in a known state.
---@param conversation any
function M.assert_conversation(conversation)
  assert(type(conversation) == "table" and type(conversation.conversation_id) == "string", "not a conversation")
  assert(states[conversation.state], "no state: " .. tostring(conversation.state))
  assert(type(conversation.settled) == "boolean" and type(conversation.status) == "string", "not complete")
  assert(type(conversation.url) == "string" and conversation.url:find("/conversations/", 1, true), "no page")
  canary.assert_no_secret(tostring(conversation))
end

--- Returns an id in the form in which ids are compared.
---@param id string
---@return string
function M.comparable_id(id) return (core.lower(id:gsub("-", ""))) end

return M
