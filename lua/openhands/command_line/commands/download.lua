--- `download`: saves the events of a conversation, or its workspace, as a zip file.

local exit_status = require "openhands.command_line.exit_status"
local lives = require "openhands.display.live"
local numbers = require "openhands.display.number"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("download", "Save the events of a conversation as a zip file.")
  options.add_id(command)
  command:argument("FILE", "Path of the file (default: ID.zip)."):argname "FILE":target "target":args "?"
  command:flag("--workspace", "Save the files of the workspace instead (V0).")
  return command
end

local function progress_line(bytes, all)
  local line = ("downloading: %s MB"):format(numbers.fixed(bytes / 1e6, 1))
  return all and ("%s of %s MB"):format(line, numbers.fixed(all / 1e6, 1)) or line
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  if arguments.target == "-" then
    sessions.refuse "FILE: the archive cannot be printed: give the path of a file"
  end
  local client = session:client()
  local target = arguments.target or arguments.id:gsub("[^0-9A-Za-z_-]", "_") .. ".zip"
  local live = lives.new { terminal = session:stderr(), write = function(words)
    session.output:write_error(words)
  end }
  local call = arguments.workspace and client.download_workspace or client.download
  local saved, err = call(client, arguments.id, target, {
    on_progress = function(bytes, all)
      if not session.output.is_quiet then
        live:draw { progress_line(bytes, all) }
      end
    end,
  })
  live:clear()
  if not saved then
    return session:fail(err, arguments.id)
  end
  session.output:record { conversation_id = arguments.id, path = saved.path, bytes = saved.bytes }
  session.output:line(text.line(saved.path))
  session:say("%.0f bytes", saved.bytes)
  return exit_status.OK
end

return M
