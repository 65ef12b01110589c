--- Reads the changes in the workspace of a conversation, in either dialect.

local M = {}

--- Adds the options of the commands about changes.
---@param command table of argparse
function M.add_options(command)
  command:option("-d --directory", "Directory of the repository in the workspace (V1; default: the workspace)."):argname
    "DIRECTORY"
  command:option("--ref", "Compare with this branch or commit (V1)."):argname "REF"
end

--- Returns the files that have changed.
---@param session openhands.CommandSession
---@param command string? whose error it is, if another than `changes`
---@return { status: string, path: string }[]?
---@return openhands.Error? err
function M.changes(session, command)
  local arguments = session.arguments
  local changes, err = session:client():changes(arguments.id, { path = arguments.directory, ref = arguments.ref })
  if err and command then
    err.operation, err.message = command, err.message:gsub("^changes:", command .. ":", 1)
  end
  return changes, err
end

--- Returns one file before and after the changes.
---@param session openhands.CommandSession
---@param path string
---@return { original: any, modified: any }?
---@return openhands.Error? err
function M.difference(session, path)
  local arguments = session.arguments
  if arguments.directory and path:sub(1, 1) ~= "/" then
    path = arguments.directory:gsub("/*$", "", 1) .. "/" .. path
  end
  return session:client():diff(arguments.id, { path = path, ref = arguments.ref })
end

return M
