--- Detects calls that a server does not have. Releases differ in their paths, and a server answers an unknown path with
--- the same error as an unknown item.

local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local servers = require "openhands.conversation.server"

local M = {}

-- Calls that polling repeats. Their paths always exist: one is absent only while the service is redeployed.
local polled = { status = true, events = true, ["start_tasks.get"] = true, ["start_tasks.list"] = true }

-- Calls for which an unknown path means that base_url leads to another service.
local identifying = { start = true, start_streaming = true, me = true }

-- Returns whether the response is that of a web framework for an unknown path or method.
local function is_of_path(err)
  local detail = type(err.detail) == "table" and err.detail.detail
  return err.status == 404 and detail == "Not Found" or err.status == 405
end

-- Returns whether the path contains the conversation, and whether it contains other items.
local function items_in(row)
  local has_conversation, has_others = false, false
  for name in row.path:gmatch "{([A-Za-z0-9_]+)}" do
    if name == "conversation_id" then
      has_conversation = true
    else
      has_others = true
    end
  end
  return has_conversation, has_others
end

-- Returns whether the server knows the conversation. If it does, a 404 means that the path is unknown.
local function knows_conversation(client, api, fields, call)
  local own = client:_fresh(call, call.deadline_at)
  own.timeout = nil
  if api == "agent" then
    local info = { conversation_id = fields.conversation_id }
    return servers.call(client, "info", info, own, "agent", call.agent_of or fields.conversation_id) ~= nil
  end
  local list = client:_read("status", fields.conversation_id, own, api)
  local id = type(list) == "table" and type(list[1]) == "table" and list[1].id
  return type(id) == "string" and identifiers.are_same(id, fields.conversation_id)
end

-- Calls of newer agent servers about an item. A server that knows the path refuses an impossible item with an error
-- other than 404.
local probes = { stop_command = true, commit_changes = true }

-- Returns whether the server knows the path. Requests it with an item that cannot exist, which changes nothing.
local function knows_path(client, row, fields, call)
  local own = client:_fresh(call, call.deadline_at)
  own.timeout = nil
  local path = row.path:gsub("{conversation_id}", tostring(fields.conversation_id)):gsub("{[A-Za-z0-9_]+}", "none")
  local probe = { method = row.method, path = path }
  local _, err = servers.call(client, "request", probe, own, "agent", call.agent_of)
  return not err or err.status ~= 404
end

local function is_absent(client, row, api, fields, call, err)
  local has_conversation, has_others = items_in(row)
  if err.page or err.status == 405 then
    return api == "agent" or client._confirmed_dialects[api] or false
  elseif has_others and api == "agent" and probes[row.name:match "[A-Za-z0-9_]+$"] then
    return not knows_path(client, row, fields, call)
  elseif has_others or row.name == "info" then
    return false
  end
  return not has_conversation or api ~= "v0" and knows_conversation(client, api, fields, call)
end

--- Turns an error into `unsupported`, in place, if the server has no such call.
---@param client openhands.Client
---@param row table of the core's table of operations
---@param api "v0"|"v1"|"agent"
---@param fields table
---@param call table
---@param err openhands.Error
function M.note(client, row, api, fields, call, err)
  local of_path = is_of_path(err) or api ~= "agent" and err.page and err.status == 200
  if not of_path or polled[row.name] or identifying[row.name] or not is_absent(client, row, api, fields, call, err) then
    return
  end
  local is_known = api == "agent" or client._confirmed_dialects[api]
  local whose = api == "agent" and "the server of this conversation" or client._base_url
  err.kind, err.retryable = "unsupported", false
  local words = "%s: %s does not have %s %s (HTTP status %d); another release of it may%s"
  local doubt = is_known and "" or ", or it is another service: check base_url and api"
  err.message = errors.line(row.name, words:format(row.name, whose, row.method, row.path, err.status, doubt))
end

return M
