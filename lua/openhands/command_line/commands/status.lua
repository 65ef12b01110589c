--- `status`: prints how conversations stand.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local rows = require "openhands.command_line.rows"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("status", "Print how conversations stand.")
  options.add_ids(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local statuses, found = {}, {}
  for place, id in ipairs(session.arguments.ids) do
    local conversation, err = session:client():status(id)
    if conversation then
      session.output:record(records.conversation(conversation))
      found[#found + 1] = conversation
      statuses[place] = exit_status.OK
    else
      statuses[place] = session:fail(err, id)
    end
  end
  rows.print(session, found)
  return exit_status.combined(statuses)
end

M.gives_list = true

return M
