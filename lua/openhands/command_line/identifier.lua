--- Spells the ids of conversations in one way, so that scripts find what one call has printed in what another prints.

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

return M
