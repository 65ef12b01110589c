--- `completion`: prints a script with which a shell completes this command.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"

local M = {}

local SHELLS = { "bash", "zsh", "fish" }

-- Completes the argument of this command: argparse gives fish no words of arguments.
local MORE_FOR_FISH = ("complete -c openhands-lua -n '__fish_openhands-lua_using_command completion' -xa '%s'\n")
  :format(table.concat(SHELLS, " "))

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("completion", "Print a script with which a shell completes this command.")
  options.one_of(command:argument("SHELL", "bash, zsh or fish."):argname "SHELL":target "shell",
    SHELLS)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local parser = require("openhands.command_line.parser").new(require "argparse")
  options.tell_words()
  local shell = session.arguments.shell
  local script = parser["get_" .. shell .. "_complete"](parser):gsub("\n*$", "\n", 1)
  session.output:write(((script .. (shell == "fish" and MORE_FOR_FISH or "")):gsub("\n$", "")))
  return exit_status.OK
end

return M
