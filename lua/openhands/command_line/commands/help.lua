--- `help`: prints the help, as `--help` does.

local exit_status = require "openhands.command_line.exit_status"
local sessions = require "openhands.command_line.session"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("help", "Print this help, or that of a command.")
  command:argument("COMMAND", "The command, such as start, or fleet run."):argname "COMMAND":target "words":args "*"
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local parser, asked = require("openhands.command_line.parser").new(require "argparse")
  local words = session.arguments.words
  words[#words + 1] = "--help"
  ---@type boolean, any, any
  local read, good, problem = pcall(parser.pparse, parser, words)
  local text = asked.text
  if not read and not text then
    error(good, 0)
  elseif not text then
    sessions.refuse(problem)
  end
  ---@cast text string
  session.output:write((text:gsub("\n$", "")))
  return exit_status.OK
end

return M
