--- `completion`: prints a script with which a shell completes this command.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("completion", "Print a script with which a shell completes this command.")
  options.one_of(command:argument("SHELL", "bash, zsh or fish."):argname "SHELL":target "shell",
    { "bash", "zsh", "fish" })
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local parser = require("openhands.command_line.parser").new(require "argparse")
  options.tell_words()
  session.output:write((parser["get_" .. session.arguments.shell .. "_complete"](parser):gsub("\n$", "")))
  return exit_status.OK
end

return M
