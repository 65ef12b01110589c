--- The nested runtime of a V0 conversation: what the service leaves to it. Files, git, the trajectory, and the words
-- that are sent to the agent.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local multipart = require "openhands.simulator.http.multipart"
local reply = require "openhands.simulator.http.response"
local runtime_links = require "openhands.simulator.v0.runtime_links"
local script = require "openhands.simulator.model.script"
local v0_events = require "openhands.simulator.v0.events"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array, null = json.array, json.null

local success = { success = true }

local function events(_, call, job)
  return v0_events.answer(call, job, job.id)
end

local function trajectory(_, _, job)
  return reply.json(200, { trajectory = array(job.events) })
end

local function work_on(model, job, text)
  model:tell(job, "message", text)
  model:schedule(job, script.after_message("v0"))
  return reply.json(200, success)
end

local message_body = { kind = "object", fields = { message = { kind = "string", required = true } } }

local function send_message(model, call, job)
  local body, errors = validation.body(call, message_body)
  if not body then return reply.detail(422, array(errors)) end
  return work_on(model, job, body.message)
end

-- Any action is taken; those that the simulator does not know change nothing.
local function send_action(model, call, job)
  local body, errors = validation.body(call, { kind = "map", of = { kind = "any" } })
  if not body then return reply.detail(422, array(errors)) end
  local given = type(body.args) == "table" and body.args or {}
  if body.action == "message" then return work_on(model, job, tostring(given.content)) end
  local steps = body.action == "change_agent_state" and script.after_agent_state(given.agent_state)
  if steps then model:schedule(job, steps) end
  return reply.json(200, success)
end

-- A parameter of the query, the last one where it is repeated.
local function parameter(call, name)
  local given = call.query[name]
  return given and given[#given]
end

local function with_parameter(name, answer)
  return function(model, call, job)
    local value = parameter(call, name)
    if value then return answer(model, call, job, value) end
    local _, errors = validation.query(call.query, { [name] = { kind = "text", required = true } })
    return reply.detail(422, array(errors))
  end
end

-- The entries of one directory; those that are directories end with a slash.
local function list_files(_, call, job)
  local seen, list = {}, array()
  for _, name in ipairs(workspace.list(job, parameter(call, "path") or workspace.root)) do
    local entry = name:match("^[^/]*/?")
    if not seen[entry] then
      seen[entry] = true
      list[#list + 1] = entry
    end
  end
  return reply.json(200, list)
end

local function select_file(_, _, job, path)
  local content = workspace.read(job, path)
  if not content then return reply.json(500, { error = "Error opening file: File not found: " .. path }) end
  if content:find("\0", 1, true) then return reply.json(415, { error = "Unable to open binary file: " .. path }) end
  return reply.json(200, { code = content })
end

local function zip_directory(_, _, job)
  local position, names = 0, workspace.list(job, workspace.root)
  local source = zip.source(function()
    position = position + 1
    if names[position] then return names[position], workspace.read(job, names[position]) end
  end)
  return reply.stream(200, "application/zip", source, nil, {
    { "Content-Disposition", 'attachment; filename="workspace.zip"' },
  })
end

-- V0 has letters where V1 has words.
local letters = { ADDED = "A", UPDATED = "M", DELETED = "D", MOVED = "R" }

local function git_changes(_, _, job)
  local list = array()
  for position, change in ipairs(workspace.changes(job, workspace.root)) do
    list[position] = { status = letters[change.status], path = change.path }
  end
  return reply.json(200, list)
end

local function git_diff(_, _, job, path)
  local sides = workspace.difference(job, path)
  return reply.json(200, { modified = sides.modified or null, original = sides.original or null })
end

local function upload_files(_, call, job)
  local uploaded, skipped = array(), array()
  local parts = multipart.named(call, "files")
  if #parts == 0 then
    return reply.detail(422, array { {
      type = "missing", loc = array { "body", "files" }, msg = "Field required", input = null,
    } })
  end
  for _, part in ipairs(parts) do
    -- As in a form: what is in front of the last slash is nobody's business.
    local name = (part.filename or ""):match("[^/\\]*$") --[[@as string]]
    if name == "" or name:sub(1, 1) == "." then
      skipped[#skipped + 1] = { name = name, reason = "File type not allowed" }
    else
      workspace.write(job, name, part.body)
      uploaded[#uploaded + 1] = workspace.absolute(name)
    end
  end
  return reply.json(200, { uploaded_files = uploaded, skipped_files = skipped })
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
for suffix, answer in pairs(runtime_links) do list[#list + 1] = { "GET", suffix, answer } end

local routes = { { method = "GET", path = "/alive", answer = function() return reply.json(200, { status = "ok" }) end,
  open = true } }
for _, operation in ipairs(list) do
  local answer = operation[3]
  routes[#routes + 1] = { method = operation[1], path = path .. operation[2], answer = function(model, call, id)
    if (identifiers.uuid(id) or id) ~= call.job.id then
      return reply.detail(404, ("Conversation %s not found"):format(id))
    end
    return answer(model, call, call.job)
  end }
end

return routes
