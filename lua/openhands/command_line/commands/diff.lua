--- `diff`: prints what a conversation has changed, as `diff -u` does.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local text = require "openhands.command_line.text"
local unified_diff = require "openhands.command_line.unified_diff"
local workspace = require "openhands.command_line.workspace"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("diff", "Print what a conversation has changed in its files.")
  options.add_id(command)
  command:argument("FILE", "Only these files."):argname "FILE":target "files":args "*"
  workspace.add_options(command)
  return command
end

local function given(value)
  return type(value) == "string" and value or nil
end

-- Prints the differences of one file: for a person with marks for what a terminal would not show, for a program as a
-- patch of the very bytes.
local function print_file(session, path, difference)
  local old, new = given(difference.original), given(difference.modified)
  session.output:record { path = path, original = old, modified = new }
  local written = session.output.format == "plain" and unified_diff.write(path, old, new)
  if written then
    written = written:gsub("\n$", "")
    session.output:line(session:stdout().is_terminal and text.revealed(written) or written)
  end
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  local paths = arguments.files
  if #paths == 0 then
    local changes, err = workspace.changes(session, "diff")
    if not changes then
      return session:fail(err, arguments.id)
    end
    for place, change in ipairs(changes) do
      paths[place] = change.path
    end
  end
  for _, path in ipairs(paths) do
    local difference, err = workspace.difference(session, path)
    if not difference then
      return session:fail(err, arguments.id)
    end
    print_file(session, path, difference)
  end
  return exit_status.OK
end

return M
