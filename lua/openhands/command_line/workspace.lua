--- Reads the changes in the workspace of a conversation, in either dialect.

local M = {}

--- Adds the options of the commands about changes.
---@param command table of argparse
function M.add_options(command)
  command:option("-d --directory", "Directory of the repository in the workspace (V1; default: the workspace)."):argname
    "DIRECTORY"
  command:option("--ref", "Compare with this branch or commit (V1)."):argname "REF"
end

-- Returns the directory that is asked about: V1 needs one, V0 takes none. The conversation tells the dialect.
local function directory_of(session)
  local arguments = session.arguments
  if arguments.directory then
    return arguments.directory
  end
  local conversation, err = session:client():status(arguments.id)
  if not conversation then
    return nil, err
  end
  return conversation.api == "v1" and "." or nil
end

--- Returns the files that have changed.
---@param session openhands.CommandSession
---@return { status: string, path: string }[]?
---@return openhands.Error? err
function M.changes(session)
  local arguments = session.arguments
  local directory, err = directory_of(session)
  if err then
    return nil, err
  end
  return session:client():changes(arguments.id, { path = directory, ref = arguments.ref })
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
