--- Paths in the workspace of a V1 conversation. The service takes absolute ones, and answers a relative one as if it
--- were an empty file, or a directory in which nothing has changed. The conversation's own server tells where the
--- workspace is.

local arguments = require "openhands.api.arguments"
local conversations = require "openhands.conversation"
local errors = require "openhands.errors"
local operations = require "openhands.api.rows"

local M = {}

local info = operations.all(true).info

--- Whether a path is meant from the workspace on.
---@param path any
---@return boolean
function M.is_relative(path)
  return type(path) == "string" and path:sub(1, 1) ~= "/"
end

-- The directory of the workspace, false where its server does not tell. Asked once.
---@return string|false|nil directory, openhands.Error?
local function workspace(client, id, call)
  local memory = client:_remember(id)
  if memory.workspace == nil then
    local asked = client:_fresh(call, call.deadline_at)
    asked.agent_of = id
    local fields = { conversation_id = conversations.dashed(client:_served_id(id)) }
    local answer, err = operations.exchange(client, info, fields, asked, "agent")
    if not answer then
      return nil, err
    end
    local directory = type(answer.workspace) == "table" and answer.workspace.working_dir
    memory.workspace = type(directory) == "string" and not M.is_relative(directory) and directory or false
  end
  return memory.workspace
end

-- A directory and a path below it; neither `.` nor a slash too many counts.
local function joined(directory, path)
  path = ("/" .. path .. "/"):gsub("/+", "/")
  repeat
    local before = #path
    path = path:gsub("/%./", "/")
  until #path == before
  return (directory .. path):gsub("(.)/+$", "%1")
end

--- The fields of a call with their path made absolute.
---@param client openhands.Client
---@param name string of the operation
---@param fields table with `conversation_id` and a relative `path`
---@param call table
---@return table? fields, openhands.Error?
function M.resolved(client, name, fields, call)
  local id, path = fields.conversation_id, fields.path
  local directory, err = workspace(client, id, call)
  if err then
    return nil, operations.renamed(err, name, id)
  elseif not directory then
    return nil, errors.new {
      kind = "invalid",
      operation = name,
      conversation_id = id,
      message = ("%s: '%s' is a relative path, and the server of conversation %s does not tell where its workspace is; "
        .. "give the whole path"):format(name, path, id),
    }
  end
  fields = arguments.copy(fields)
  fields.path = joined((directory:gsub("/+$", "")), path)
  return fields
end

return M
