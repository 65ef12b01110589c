--- Prints conversations as rows: columns that fit the terminal, or values separated by tabs where stdout is none.

local text = require "openhands.command_line.text"

local M = {}

local function cells_of(conversation)
  return {
    conversation.conversation_id, conversation.state, text.money(conversation.cost),
    text.line(conversation.selected_repository), text.line(conversation.title), text.line(conversation.url),
  }
end

--- Prints conversations; only in plain output.
---@param session openhands.CommandSession
---@param conversations openhands.Conversation[]
function M.print(session, conversations)
  for _, conversation in ipairs(conversations) do
    session.output:line(table.concat(cells_of(conversation), "\t"))
  end
end

return M
