--- `changes`: lists the files that a conversation has changed.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local text = require "openhands.command_line.text"
local workspace = require "openhands.command_line.workspace"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("changes", "List the files that a conversation has changed.")
  options.add_id(command)
  workspace.add_options(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local changes, err = workspace.changes(session)
  if not changes then
    return session:fail(err, session.arguments.id)
  end
  for _, change in ipairs(changes) do
    session.output:record { status = change.status, path = change.path }
    session.output:line(text.line(change.status) .. "\t" .. text.line(change.path))
  end
  return exit_status.OK
end

return M
