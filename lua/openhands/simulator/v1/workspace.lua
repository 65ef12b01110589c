--- What can be read of the work of a V1 conversation: files, what git says, skills and hooks, and its trajectory as an
-- archive.
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local stream = require "openhands.simulator.encoding.stream"
local timestamps = require "openhands.simulator.encoding.timestamps"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array, null = json.array, json.null

-- Checks id and query, and finds the conversation (nil where there is none) for an operation.
local function checked(rules, answer)
  return function(model, call, id)
    local errors = validation.path_uuid("conversation_id", id)
    local query
    if not errors then query, errors = validation.query(call.query, rules) end
    if errors then return reply.detail(422, array(errors)) end
    return answer(model:conversation(id), query, id, model, call)
  end
end

-- Files and git -------------------------------------------------------------------------------------------------------

-- Every failure is an empty text, so that nobody can tell an empty file from one that cannot be read.
local function file(job, query)
  if not job or job.sandbox_status ~= "RUNNING" then return reply.json(200, "") end
  local is_absolute = query.file_path:sub(1, 1) == "/"
  return reply.json(200, is_absolute and workspace.read(job, query.file_path) or "")
end

-- An operation that needs the sandbox.
local function in_sandbox(rules, answer)
  return checked(rules, function(job, query, id)
    local status = job and job.sandbox_status
    if status == "RUNNING" then return answer(job, query) end
    if status == "PAUSED" then
      return reply.detail(409, "Sandbox is paused; resume it before reading git state.")
    elseif not job or status == "MISSING" then
      return reply.detail(404, ("Conversation %s is not reachable"):format(id))
    end
    return reply.detail(502, "Failed to reach agent server.")
  end)
end

local most_files = 2000

local function files(job, query)
  local names, list = workspace.list(job, query.path), array()
  for position = 1, math.min(#names, most_files) do list[position] = names[position] end
  return reply.json(200, list)
end

-- Git is asked where the agent server was started, which is not the workspace.
local function from_server(path)
  return path:sub(1, 1) == "/" and path or "/agent-server/" .. path
end

local function git_changes(job, query)
  return reply.json(200, array(workspace.changes(job, from_server(query.path))))
end

local function git_diff(job, query)
  local both = workspace.difference(job, from_server(query.path))
  return reply.json(200, { modified = both.modified or null, original = both.original or null })
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

-- A paused sandbox has none, and says so with 200.
local function listed(name, list)
  return checked({}, function(job, _, id)
    local status = job and job.sandbox_status
    if status == "PAUSED" then return reply.json(200, { [name] = array() }) end
    if status == "RUNNING" then return reply.json(200, { [name] = list }) end
    if not job or status == "MISSING" then
      return reply.json(404, { error = ("Conversation %s not found"):format(id) })
    end
    return reply.json(502, { error = "Failed to reach agent server." })
  end)
end

-- The archive ---------------------------------------------------------------------------------------------------------

local function meta(model, job)
  return json.encode {
    id = job.id, title = job.title, sandbox_id = job.sandbox_id, created_at =
      timestamps.utc(model.options.epoch + job.ready_at), selected_repository = job.repository or null,
  }
end

local function trajectory(model, job)
  local position = -1
  return zip.source(function()
    position = position + 1
    if position == 0 then return "meta.json", meta(model, job) end
    if position > job.history:count() then return nil end
    local name = ("event_%06d_%s.json"):format(position - 1, job.history:id(position))
    return name, job.history:text(position)
  end)
end

-- Its length is known beforehand only where it is made up, or held here: the service does not know it either.
local function archive(model, job)
  local size = model.options.download_bytes
  if size then return zip.padded(size, "meta.json", meta(model, job)), size end
  local source = trajectory(model, job)
  if not model.options.download_length then return source end
  local bytes = stream.whole(source, function() return true end)
  return stream.of(bytes), #bytes
end

local most_events = 10000

local function download(job, _, id, model)
  if not job then return reply.detail(404, "Conversation not found: " .. id) end
  if model.options.download_busy then
    return reply.detail(409, "Another download of this conversation is running.")
  end
  if not model.options.download_bytes and job.history:count() > most_events then
    return reply.detail(413, ("Conversation has more than %d events."):format(most_events))
  end
  local source, length = archive(model, job)
  return reply.stream(200, "application/zip", source, model.options.download_length and length or nil, {
    { "Content-Disposition", ('attachment; filename="conversation_%s.zip"'):format(identifiers.uuid(id)) },
  })
end

local path = "/api/v1/app-conversations/{id}"

return {
  { method = "GET", path = path .. "/download", answer = checked({}, download) },
  { method = "GET", path = path .. "/file",
    answer = checked({ file_path = { kind = "text", default = workspace.root .. "/PLAN.md" } }, file) },
  { method = "GET", path = path .. "/files",
    answer = in_sandbox({ path = { kind = "text", default = workspace.root } }, files) },
  { method = "GET", path = path .. "/git/changes", answer = in_sandbox(of_git, git_changes) },
  { method = "GET", path = path .. "/git/diff", answer = in_sandbox(of_git, git_diff) },
  { method = "GET", path = path .. "/skills", answer = listed("skills", skills) },
  { method = "GET", path = path .. "/hooks", answer = listed("hooks", hooks) },
}
