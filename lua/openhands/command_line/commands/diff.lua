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
-- patch of the very bytes. Says of a file that the user has named if nothing of it has changed.
local function print_file(session, path, difference, is_named)
  local old, new = given(difference.original), given(difference.modified)
  session.output:record { path = path, original = old, modified = new }
  local written = session.output.format == "plain" and unified_diff.write(path, old, new)
  if written then
    written = written:gsub("\n$", "")
    session.output:line(session:stdout().is_terminal and text.revealed(written) or written)
  elseif old == new and is_named then
    session:say("%s: not changed in this conversation", text.line(path))
  end
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  local paths = arguments.files
  local are_named = #paths > 0
  if not are_named then
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
    print_file(session, path, difference, are_named)
  end
  return exit_status.OK
end

return M
