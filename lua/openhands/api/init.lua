--- Defines the calls of clients besides starting and waiting: one for each operation of the core's table. An operation
--- with a dot in its name belongs to a group: `secrets.list` is `client.secrets:list`. Calls that need more than one
--- exchange are composed here or in conversation/actions.lua.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local actions = require "openhands.conversation.actions"
local agents = require "openhands.api.agent"
local arguments = require "openhands.api.arguments"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local downloads = require "openhands.api.download"
local errors = require "openhands.errors"
local event_class = require "openhands.events.class"
local events = require "openhands.events"
local explained = require "openhands.api.explained"
local identifiers = require "openhands.conversation.identifier"
local names = require "openhands.api.names"
local operation_calls = require "openhands.api.operation_calls"
local operations = require "openhands.api.operations"
local paths = require "openhands.conversation.workspace_path"
local pull_requests = require "openhands.conversation.pull_requests"
local results = require "openhands.conversation.result"
local servers = require "openhands.conversation.server"

local all = operations.of_service

-- Calls that have no row of their own, or need more than one. Their names are also in names.lua.
---@type table<string, table>
local composed = {
  get = { subject = "conversation_id", is_batch = true },
  pause = { subject = "conversation_id" },
  resume = { subject = "conversation_id", has_fields = true, single_field = "send" },
  answer = { subject = "conversation_id" },
  find_pull_requests = { subject = "conversation_id" },
}
for name, operation in pairs(composed) do
  operation.name, operation.rows = name, operation.rows or {}
  ---@cast operation openhands.Operation
  all[name] = operation
end

-- ---- calls of more than one row ----------------------------------------------------------------------------------

-- Each gets the client, the operation, its fields, the settings of the call, and the options as the user gave them.
local handlers = {
  update = actions.update,
  delete = actions.delete,
  queue_message = actions.queue_message,
  stop = actions.stop,
  start_again = actions.start_again,
  pause = actions.pause,
  resume = actions.resume,
}

-- Options of individual calls besides settings.
local own_options = {
  events = events.own_options,
  download = { on_progress = true },
  download_workspace = { on_progress = true },
}

-- Returns a function that converts an item of a list or a batch to a conversation.
local function to_conversation(client, call)
  return function(item, api, id)
    local shown = type(item) == "table" and (api == "v0" and item.conversation_id or item.id)
    if not identifiers.is_valid(shown) then
      return nil
    end
    return (conversations.from_status(client, item, api, id or shown, call.grace))
  end
end

function handlers.list(client, operation, fields, call)
  return operation_calls.run(client, operation, fields, call, to_conversation(client, call))
end

-- Adds conversations that are starting, if this client knows their start tasks: until they are ready, the service lists
-- only these tasks.
local function with_starting(client, found, ids, call)
  for _, id in ipairs(ids) do
    if not found[id] and client:_remember(id).start_task_id then
      found[id] = client:_status(id, call)
    end
  end
  return found
end

-- Makes the table give a conversation under every spelling of its id.
local function by_any_spelling(client, found)
  return setmetatable(found, {
    __index = function(_, id)
      return type(id) == "string" and rawget(found, client:_spelling(id)) or nil
    end,
  })
end

local function get_many(client, fields, ids, call, api)
  if api == "v1" then
    local found, err = operation_calls.run(client, all.status, fields, call, to_conversation(client, call), api)
    if not found then
      ---@cast err openhands.Error
      return nil, errors.rename(err, "get")
    end
    return by_any_spelling(client, with_starting(client, found, ids, call))
  end
  local found = {}
  for _, id in ipairs(ids) do
    local answer, err = client:_read("status", id, call, "v0")
    if err and err.kind == "not_found" and not err.contradicts_dialect then
      answer = core.null
    elseif not answer then
      return nil, errors.rename(err, "get", id)
    end
    found[id] = answer ~= core.null and to_conversation(client, call)(answer, "v0", id) or nil
  end
  return by_any_spelling(client, found)
end

--- Returns several conversations at once, by their ids. Leaves out those that the service does not know and, on V1,
--- those that are starting and whose start tasks this client does not know.
---@return table<string, openhands.Conversation>? found by their ids, whose spelling does not matter
---@return openhands.Error? err
function handlers.get(client, operation, fields, call)
  local ids = fields.conversation_id
  if type(ids) ~= "table" then
    ids = { ids }
  elseif #ids == 0 then
    return {}
  end
  return operation_calls.in_dialect(client, operation, fields, call, function(api)
    return get_many(client, fields, ids, call, api)
  end)
end

-- The source from which events/ reads events: a row, and the functions that perform it.
---@type openhands.EventSource
local event_source = { row = all.events, perform = operation_calls.perform, in_dialect = operation_calls.in_dialect }

function handlers.events(client, operation, fields, call, options)
  local choice = events.take_options(operation, fields, options)
  client:_prepare_in_any(operation.name, fields, nil, nil, events.own_options)
  return events.events(client, event_source, fields, call, choice)
end

-- Calls whose items are events.
for _, name in ipairs { "event_batch", "shared.events", "shared.event_batch" } do
  handlers[name] = function(client, operation, fields, call)
    return operation_calls.run(client, operation, fields, call, function(item)
      return event_class.one(client, item)
    end)
  end
end

handlers["shared.event"] = function(client, operation, fields, call)
  local event, err = operation_calls.run(client, operation, fields, call)
  if err then
    return nil, err
  end
  return event_class.one(client, event)
end

function handlers.trajectory(client, operation, fields, call)
  local answer, err = operation_calls.run(client, operation, fields, call)
  if err then
    return nil, err
  end
  event_class.all(client, type(answer) == "table" and answer.trajectory)
  return answer
end

-- Makes a call about a path. V1 takes only absolute paths, so a relative one is resolved in the workspace.
---@param on_v1 table? the fields on V1, if they are others there
local function about_path(client, operation, fields, call, on_v1)
  on_v1 = on_v1 or fields
  if not paths.is_relative(on_v1.path) then
    return operation_calls.run(client, operation, fields, call)
  end
  client:_prepare_in_any(operation.name, on_v1, nil, nil, {})
  return operation_calls.in_dialect(client, operation, fields, call, function(api)
    local own, err = fields, nil
    if api == "v1" then
      own, err = paths.resolved(client, operation.name, on_v1, call)
    end
    if not own then
      return nil, err
    end
    return operation_calls.perform(client, operation, own, call, api)
  end)
end

function handlers.diff(client, operation, fields, call)
  return about_path(client, operation, fields, call)
end

-- V1's words for the letters that V0 has from git.
local words_of_v0 = { A = "ADDED", D = "DELETED", M = "UPDATED", R = "MOVED", U = "ADDED" } -- U: untracked

--- Lists the files that have changed. V1 needs a directory and V0 takes none: without one, those of the workspace.
function handlers.changes(client, operation, fields, call)
  local on_v1 ---@type table?
  if fields.path == nil then
    on_v1 = arguments.copy(fields)
    on_v1.path = "."
  end
  local list, err = about_path(client, operation, fields, call, on_v1)
  ---@cast list table[]?
  for _, change in ipairs(list or {}) do
    if change ~= core.null then
      change.status = words_of_v0[change.status] or change.status
    end
  end
  return list, err
end

--- Returns the text of a file. V0 wraps the text in a table.
---@return string? text
---@return openhands.Error? err
function handlers.file(client, operation, fields, call)
  local answer, err = about_path(client, operation, fields, call)
  if err then
    return nil, err
  elseif type(answer) ~= "table" then
    return answer
  elseif type(answer.code) ~= "string" then
    local more = { conversation_id = fields.conversation_id }
    return nil, errors.protocol("file", "the answer has no usable field 'code'", more)
  end
  return answer.code
end

--- Returns the agent's latest answer.
---@return string? answer
---@return openhands.Error? err kind "not_found" while there is none
function handlers.answer(client, _, fields, call)
  local id = fields.conversation_id
  local result, err = operation_calls.in_dialect(client, all.answer, fields, call, function(api)
    return results.read_by_id(client, client:_served_id(id), call, api, "answer")
  end)
  if not result then
    ---@cast err openhands.Error
    return nil, errors.rename(err, "answer", id)
  elseif not result.answer and result.too_large then
    return nil, errors.rename(result.too_large, "answer", id)
  elseif not result.answer then
    return nil, errors.new {
      kind = "not_found",
      operation = "answer",
      conversation_id = id,
      message = ("answer: conversation %s has no answer yet"):format(id),
    }
  end
  return result.answer
end

--- Returns the URLs of the pull requests that the service lists for the conversation, or that its events mention.
---@return string[]? links
---@return openhands.Error? err
function handlers.find_pull_requests(client, _, fields, call)
  local conversation, err = client:_status(fields.conversation_id, call)
  local links
  if conversation then
    local about = { conversation_id = conversation.conversation_id }
    local collection = events.events(client, event_source, about, call, { ends_at = call.deadline_at })
    links, err = pull_requests.all(conversation, collection)
  end
  if err then
    return nil, errors.rename(err, "find_pull_requests", fields.conversation_id)
  end
  return links
end

-- ---- calls -------------------------------------------------------------------------------------------------------

local function run(client, operation, ...)
  local fields, options = arguments.read(client, operation, ...)
  local call = client:_begin(operation.name, options, own_options[operation.name])
  local handler = handlers[operation.name] or operation_calls.run
  local value, err = handler(client, operation, fields, call, handlers[operation.name] and (options or {}) or nil)
  if err then
    return nil, explained.of(client, operation, fields, call, err)
  end
  return value
end

-- Makes a call that downloads a file.
local function download(client, operation, subject, target, options, ...)
  if select("#", ...) > 0 then
    errors.raise(("%s: takes at most 3 arguments, not %d"):format(operation.name, 3 + select("#", ...)))
  end
  local fields = arguments.read(client, operation, subject)
  local call = client:_begin(operation.name, options, own_options[operation.name])
  local saved, err = downloads.save(client, operation.name, target, options, call, function(route)
    return operation_calls.in_dialect(client, operation, fields, call, function(api)
      return operation_calls.perform(client, operation, fields, call, api, route)
    end)
  end)
  if err then
    return nil, explained.of(client, operation, fields, call, err)
  end
  return saved
end

local is_written_out = { agent = true, request = true } -- below

for name in pairs(names.calls) do
  if not is_written_out[name] then
    Client[name] = function(self, ...)
      if getmetatable(self) ~= Client then
        errors.check_receiver(false, name, "client")
      end
      local operation = all[name]
      local call = operation.shape == "file" and download or run
      return call(self, operation, ...)
    end
  end
end

for group, leaves in pairs(names.groups) do
  for leaf in pairs(leaves) do
    local name = group .. "." .. leaf
    Client._groups[group][leaf] = function(self, ...)
      local client = type(self) == "table" and rawget(self, "_client")
      if getmetatable(client) ~= Client then
        errors.check_receiver(false, name, "client." .. group)
      end
      return run(client, all[name], ...)
    end
  end
end

--- Returns the agent server of a conversation.
---@param subject string|openhands.Conversation
---@return openhands.Agent
function Client:agent(subject)
  errors.check_receiver(getmetatable(self) == Client, "agent", "client")
  return agents.of(self, self:_id_of(subject, "agent"))
end

--- Makes a request for which there is no other call, with the same checks, errors and redaction.
---@param request openhands.FreeRequest `method` ("GET" by default), `path` (from "/" on), `query` (table), `body` (what
--- JSON can hold)
---@param options openhands.Settings?
---@return any answer decoded JSON, or text
---@return openhands.Error? err
function Client:request(request, options)
  errors.check_receiver(getmetatable(self) == Client, "request", "client")
  return self:_request(request, self:_begin("request", options))
end

--- Makes a request that the caller describes, to the service or to a conversation's own server.
---@param request any
---@param call openhands.Call
---@param id string? of the conversation whose server is meant
---@return any answer
---@return openhands.Error? err
function Client:_request(request, call, id)
  if type(request) ~= "table" or errors.is_empty_list(request) then
    errors.raise("request: needs a table with 'path', not " .. errors.words_of(request))
  elseif id then
    local answer, err = servers.call(self, "request", request, call, "agent", id)
    if err then
      return nil, errors.rename(err, "request")
    end
    return answer
  end
  return self:_call("request", request, call)
end
