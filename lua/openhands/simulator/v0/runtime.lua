--- The routes of the nested runtime of a V0 conversation. It answers requests that the service does not answer itself:
-- about files, git and the trajectory, and messages to the agent. It also answers some that the service answers in the
-- same way: see events.lua and runtime_links.lua.
local json = require "openhands.simulator.encoding.json"
local multipart = require "openhands.simulator.http.multipart"
local responses = require "openhands.simulator.http.responses"
local runtime_links = require "openhands.simulator.v0.runtime_links"
local script = require "openhands.simulator.model.script"
local uuid = require "openhands.simulator.encoding.uuid"
local v0_events = require "openhands.simulator.v0.events"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array = json.array

local success = { success = true }

local function events(_, call, conversation)
  return v0_events.page(call, conversation, conversation.id)
end

local function trajectory(_, _, conversation)
  return responses.json(200, { trajectory = array(conversation.events) })
end

local function continue_with(model, conversation, text)
  model:emit(conversation, "message", text)
  model:schedule(conversation, script.after_message("v0"))
  return responses.json(200, success)
end

local message_body = { kind = "object", fields = { message = { kind = "string", required = true } } }

local function send_message(model, call, conversation)
  local body, refusal = validation.body(call, message_body)
  if not body then
    return refusal
  end
  return continue_with(model, conversation, body.message)
end

-- Accepts every action; unknown ones change nothing.
local function send_action(model, call, conversation)
  local body, refusal = validation.body(call, { kind = "map", of = { kind = "any" } })
  if not body then
    return refusal
  end
  local given = type(body.args) == "table" and body.args or {}
  if body.action == "message" then
    return continue_with(model, conversation, tostring(given.content))
  end
  local steps = body.action == "change_agent_state" and script.after_agent_state(given.agent_state)
  if steps then
    model:schedule(conversation, steps)
  end
  return responses.json(200, success)
end

-- Returns the value of a query parameter; the last value if it is repeated.
local function parameter(call, name)
  local given = call.query[name]
  return given and given[#given]
end

-- Wraps a handler so that it gets a required query parameter as its last argument.
local function with_parameter(name, handler)
  return function(model, call, conversation)
    local value = parameter(call, name)
    return value and handler(model, call, conversation, value) or responses.missing("query", name)
  end
end

-- Lists one directory. The names of directories end with a slash.
local function list_files(_, call, conversation)
  local seen, list = {}, array()
  for _, name in ipairs(workspace.list(conversation, parameter(call, "path") or workspace.root)) do
    local entry = name:match("^[^/]*/?")
    if not seen[entry] then
      seen[entry] = true
      list[#list + 1] = entry
    end
  end
  return responses.json(200, list)
end

local function select_file(_, _, conversation, path)
  local content = workspace.read(conversation, path)
  if not content then
    return responses.json(500, { error = "Error opening file: File not found: " .. path })
  end
  if content:find("\0", 1, true) then
    return responses.json(415, { error = "Unable to open binary file: " .. path })
  end
  return responses.json(200, { code = content })
end

local function zip_directory(_, _, conversation)
  local position, names = 0, workspace.list(conversation, workspace.root)
  local archive = zip.archive(function()
    position = position + 1
    if names[position] then
      return names[position], workspace.read(conversation, names[position])
    end
  end)
  return responses.archive("workspace.zip", archive)
end

-- The letters that V0 uses in place of the statuses of V1.
local letters = { ADDED = "A", UPDATED = "M", DELETED = "D", MOVED = "R" }

local function git_changes(_, _, conversation)
  local list = array()
  for position, change in ipairs(workspace.changes(conversation, workspace.root)) do
    list[position] = { status = letters[change.status], path = change.path }
  end
  return responses.json(200, list)
end

local function git_diff(_, _, conversation, path)
  return responses.json(200, workspace.difference(conversation, path))
end

local function upload_files(_, call, conversation)
  local uploaded, skipped = array(), array()
  local parts = multipart.named(call, "files")
  if #parts == 0 then
    return responses.missing("body", "files")
  end
  for _, part in ipairs(parts) do
    -- Directories in the name are dropped, as servers do with form uploads.
    local name = (part.filename or ""):match("[^/\\]*$") --[[@as string]]
    if name == "" or name:sub(1, 1) == "." then
      skipped[#skipped + 1] = { name = name, reason = "File type not allowed" }
    else
      workspace.write(conversation, name, part.body)
      uploaded[#uploaded + 1] = workspace.absolute(name)
    end
  end
  return responses.json(200, { uploaded_files = uploaded, skipped_files = skipped })
end

local path = "/api/conversations/{id}"

local list = {
  { "GET", "/events", events },
  { "POST", "/events", send_action },
  { "POST", "/message", send_message },
  { "GET", "/trajectory", trajectory },
  { "GET", "/list-files", list_files },
  { "GET", "/select-file", with_parameter("file", select_file) },
  { "GET", "/zip-directory", zip_directory },
  { "GET", "/git/changes", git_changes },
  { "GET", "/git/diff", with_parameter("path", git_diff) },
  { "POST", "/upload-files", upload_files },
}
for suffix, handler in pairs(runtime_links) do
  list[#list + 1] = { "GET", suffix, handler }
end

local function alive()
  return responses.json(200, { status = "ok" })
end

local routes = { { method = "GET", path = "/alive", handler = alive, open = true } }
for _, operation in ipairs(list) do
  local handler = operation[3]
  routes[#routes + 1] = { method = operation[1], path = path .. operation[2], handler = function(model, call, id)
    if (uuid.parse(id) or id) ~= call.conversation.id then
      return responses.detail(404, ("Conversation %s not found"):format(id))
    end
    return handler(model, call, call.conversation)
  end }
end

return routes
