--- Handles requests for the workspace of a V1 conversation: files, git, skills, hooks, and the trajectory as a zip.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local stream = require "openhands.simulator.encoding.stream"
local uuid = require "openhands.simulator.encoding.uuid"
local v1_events = require "openhands.simulator.v1.events"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array, null = json.array, json.null

-- Wraps a handler so that it gets the conversation, or nil if there is none. Checks the id and the query first.
local function checked(rules, handler)
  return function(model, call, id)
    local refusal, query = validation.path_uuid("conversation_id", id), nil
    if not refusal then
      query, refusal = validation.query(call.query, rules)
    end
    return refusal or handler(model:find_visible(id), query, id, model)
  end
end

-- Files and git -------------------------------------------------------------------------------------------------------

-- As in the service, every failure is an empty text: clients cannot tell it from an empty file.
local function file(conversation, query)
  if not conversation or conversation.sandbox_status ~= "RUNNING" then
    return responses.json(200, "")
  end
  local is_absolute = query.file_path:sub(1, 1) == "/"
  return responses.json(200, is_absolute and workspace.read(conversation, query.file_path) or "")
end

-- Wraps a handler: first requires that the sandbox of the conversation is running.
local function in_sandbox(rules, handler)
  return checked(rules, function(conversation, query, id)
    local status = conversation and conversation.sandbox_status
    if status == "RUNNING" then
      return handler(conversation, query)
    end
    if status == "PAUSED" then
      return responses.detail(409, "Sandbox is paused; resume it before reading git state.")
    elseif not conversation or status == "MISSING" then
      return responses.detail(404, ("Conversation %s is not reachable"):format(id))
    end
    return responses.detail(502, "Failed to reach agent server.")
  end)
end

local most_files = 2000

local function files(conversation, query)
  local names, list = workspace.list(conversation, query.path), array()
  for position = 1, math.min(#names, most_files) do
    list[position] = names[position]
  end
  return responses.json(200, list)
end

-- Relative paths of git start where the agent server runs, which is not the workspace.
local function from_server(path)
  return path:sub(1, 1) == "/" and path or "/agent-server/" .. path
end

local function git_changes(conversation, query)
  return responses.json(200, array(workspace.changes(conversation, from_server(query.path))))
end

local function git_diff(conversation, query)
  return responses.json(200, workspace.difference(conversation, from_server(query.path)))
end

local of_git = { path = { kind = "text", required = true }, ref = { kind = "text" } }

-- Skills and hooks ----------------------------------------------------------------------------------------------------

local skills = array {
  { name = "repo", type = "repo", content = "Run make test before you commit.", triggers = array() },
  { name = "docker", type = "knowledge", content = "How to start the daemon.",
    triggers = array { "docker", "container" } },
}

local hooks = array { {
  event_type = "stop",
  matchers = array { {
    matcher = "*",
    hooks = array { { type = "command", command = ".openhands/hooks/check.sh", timeout = 60, ["async"] = false } },
  } },
} }

-- A paused sandbox answers with 200 and an empty list.
local function listed(name, list)
  return checked({}, function(conversation, _, id)
    local status = conversation and conversation.sandbox_status
    if status == "PAUSED" then
      return responses.json(200, { [name] = array() })
    end
    if status == "RUNNING" then
      return responses.json(200, { [name] = list })
    end
    if not conversation or status == "MISSING" then
      return responses.json(404, { error = ("Conversation %s not found"):format(id) })
    end
    return responses.json(502, { error = "Failed to reach agent server." })
  end)
end

-- The archive ---------------------------------------------------------------------------------------------------------

local function meta(model, conversation)
  return json.encode {
    id = conversation.id, title = conversation.title, sandbox_id = conversation.sandbox_id,
    created_at = model:timestamp(conversation.ready_at), selected_repository = conversation.repository or null,
  }
end

local function trajectory(model, conversation)
  local position = -1
  return zip.archive(function()
    position = position + 1
    if position == 0 then
      return "meta.json", meta(model, conversation)
    end
    if position > v1_events.shown(model, conversation.history) then
      return nil
    end
    local name = ("event_%06d_%s.json"):format(position - 1, conversation.history:id(position))
    return name, conversation.history:text(position)
  end)
end

-- Returns the stream of an archive, and its length if that is known. An archive that is built while it is sent has no
-- known length; it has none in the service either.
local function archive_of(model, conversation)
  local size = model.options.download_bytes
  if size then
    return zip.padded(size, "meta.json", meta(model, conversation)), size
  end
  local archive = trajectory(model, conversation)
  if not model.options.download_length then
    return archive
  end
  local bytes = stream.read_all(archive, function() return true end)
  return stream.from_string(bytes), #bytes
end

local most_events = 10000

local function download(conversation, _, id, model)
  if not conversation then
    return responses.detail(404, "Conversation not found: " .. id)
  end
  if model.options.download_busy then
    return responses.detail(409, "Another download of this conversation is running.")
  end
  if not model.options.download_bytes and v1_events.shown(model, conversation.history) > most_events then
    return responses.detail(413, ("Conversation has more than %d events."):format(most_events))
  end
  local archive, length = archive_of(model, conversation)
  local announced = model.options.download_length and length or nil
  return responses.archive(("conversation_%s.zip"):format(uuid.parse(id)), archive, announced)
end

local path = "/api/v1/app-conversations/{id}"

return {
  { method = "GET", path = path .. "/download", handler = checked({}, download) },
  { method = "GET", path = path .. "/file",
    handler = checked({ file_path = { kind = "text", default = workspace.root .. "/PLAN.md" } }, file) },
  { method = "GET", path = path .. "/files",
    handler = in_sandbox({ path = { kind = "text", default = workspace.root } }, files) },
  { method = "GET", path = path .. "/git/changes", handler = in_sandbox(of_git, git_changes) },
  { method = "GET", path = path .. "/git/diff", handler = in_sandbox(of_git, git_diff) },
  { method = "GET", path = path .. "/skills", handler = listed("skills", skills) },
  { method = "GET", path = path .. "/hooks", handler = listed("hooks", hooks) },
}
