--- `pause`: pauses the sandboxes of conversations.

local each = require "openhands.command_line.each"
local options = require "openhands.command_line.options"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("pause", "Pause the sandboxes of conversations: nothing runs in them (V1).")
  options.add_ids(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  return each.conversation(session, function(client, id)
    return client:pause(id)
  end)
end

return M
