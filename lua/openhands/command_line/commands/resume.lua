--- `resume`: wakes the sandboxes of paused conversations.

local each = require "openhands.command_line.each"
local options = require "openhands.command_line.options"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("resume",
    "Wake the sandboxes of paused conversations (V1). The agents go on when they get a message.")
  options.add_ids(command)
  command:option("-s --send", "Send this message to each, so that its agent goes on."):argname "TEXT"
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local message = session.arguments.send
  return each.conversation(session, function(client, id)
    return client:resume(id, message and { send = message } or nil)
  end)
end

return M
