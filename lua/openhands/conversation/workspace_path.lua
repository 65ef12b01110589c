--- Makes paths in the workspace of a V1 conversation absolute. The service takes absolute paths; for a relative one it
--- returns an empty file, or a directory without changes. The conversation's own server tells where the workspace is.

local arguments = require "openhands.api.arguments"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local operation_calls = require "openhands.api.operation_calls"
local operations = require "openhands.api.operations"

local M = {}

local info = operations.of_agent.info

--- Returns whether a path is relative: it then starts at the workspace.
---@param path any
---@return boolean
function M.is_relative(path)
  return type(path) == "string" and path:sub(1, 1) ~= "/"
end

-- Returns the directory of the workspace; false if the server does not tell it. Requests it once for a conversation.
---@return string|false|nil directory, openhands.Error?
local function workspace(client, id, call)
  local memory = client:_remember(id)
  if memory.workspace == nil then
    local asked = client:_fresh(call, call.deadline_at)
    asked.agent_of = id
    local fields = { conversation_id = identifiers.with_dashes(client:_served_id(id)) }
    local response, err = operation_calls.perform(client, info, fields, asked, "agent")
    if not response then
      return nil, err
    end
    local directory = type(response.workspace) == "table" and response.workspace.working_dir
    memory.workspace = type(directory) == "string" and not M.is_relative(directory) and directory or false
  end
  return memory.workspace
end

-- Joins a directory and a path below it, without `.` and repeated slashes.
local function joined(directory, path)
  path = ("/" .. path .. "/"):gsub("/+", "/")
  repeat
    local before = #path
    path = path:gsub("/%./", "/")
  until #path == before
  return (directory .. path):gsub("(.)/+$", "%1")
end

--- Returns the fields of a call with their path made absolute.
---@param client openhands.Client
---@param name string of the operation
---@param fields table with `conversation_id` and a relative `path`
---@param call table
---@return table? fields, openhands.Error?
function M.resolved(client, name, fields, call)
  local id, path = fields.conversation_id, fields.path
  local directory, err = workspace(client, id, call)
  if err then
    return nil, errors.rename(err, name, id)
  elseif not directory then
    return nil, errors.new {
      kind = "invalid",
      operation = name,
      conversation_id = id,
      message = ("%s: '%s' is a relative path, and the server of conversation %s does not tell where its workspace is; "
        .. "give an absolute path"):format(name, path, id),
    }
  end
  fields = arguments.copy(fields)
  fields.path = joined((directory:gsub("/+$", "")), path)
  return fields
end

return M
