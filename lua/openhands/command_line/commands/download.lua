--- `download`: saves the events of a conversation, or its workspace, as a zip file.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("download", "Save the events of a conversation as a zip file.")
  options.add_id(command)
  command:argument("target", "Path of the file (default: ID.zip)."):argname "FILE":args "?"
  command:flag("--workspace", "Save the files of the workspace instead (V0).")
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, client = session.arguments, session:client()
  local target = arguments.target or arguments.id:gsub("[^0-9A-Za-z_-]", "_") .. ".zip"
  local saved, err
  if arguments.workspace then
    saved, err = client:download_workspace(arguments.id, target)
  else
    saved, err = client:download(arguments.id, target)
  end
  if not saved then
    return session:fail(err, arguments.id)
  end
  session.output:record { conversation_id = arguments.id, path = saved.path, bytes = saved.bytes }
  session.output:line(text.line(saved.path))
  session:say("%.0f bytes", saved.bytes)
  return exit_status.OK
end

return M
