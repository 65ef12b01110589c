--- `resume`: wakes the sandboxes of paused conversations.

local each = require "openhands.command_line.each"
local options = require "openhands.command_line.options"

local M = { gives_list = true }

local WAITS = "%s: its sandbox is up; the agent stays paused until it gets a message: `openhands-lua send %s TEXT`"
local GOES_ON = "%s: its agent has the message; `openhands-lua status %s` tells when it goes on"

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
    local conversation, err = client:resume(id, message and { send = message } or nil)
    if conversation and conversation.state == "paused" then
      session:say(message and GOES_ON or WAITS, id, id)
    end
    return conversation, err
  end)
end

return M
