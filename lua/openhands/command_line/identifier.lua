--- Spells the ids of conversations in one way, so that scripts find what one call has printed in what another prints,
--- and reads them as people give them.

local core = require "openhands.core"
local text = require "openhands.command_line.text"

local M = {}

--- Returns the id of a conversation as `start` prints it. V1 of the service writes ids with dashes or without them.
---@param conversation table
---@return string
function M.of(conversation)
  local id = text.line(conversation.conversation_id)
  if conversation.api ~= "v1" or #id ~= 32 or id:find "[^0-9a-fA-F]" then
    return id
  end
  return (id:gsub("^(........)(....)(....)(....)", "%1-%2-%3-%4-"))
end

--- Returns the id in the address of a conversation's page, as `start` prints it; any other text as it is.
---@param given string
---@return string
function M.read(given)
  local id = given:match "^[Hh][Tt][Tt][Pp][Ss]?://[^?#]*/conversations/([^/?#]+)/?[^/]*$"
  return id and core.is_id(id) and id or given
end

return M
