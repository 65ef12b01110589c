--- `wait`: waits until conversations have settled, and prints how they ended.

local options = require "openhands.command_line.options"
local waiting = require "openhands.command_line.waiting"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("wait", "Wait until conversations have settled, and print how they ended.")
  options.add_ids(command)
  options.add_waiting(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local ids = session.arguments.ids
  return #ids == 1 and waiting.one(session, ids[1]) or waiting.several(session, ids)
end

return M
