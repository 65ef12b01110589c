--- The agent server's operations on files and git, and the download of a trajectory.
local agent_view = require "openhands.simulator.agent.views"
local json = require "openhands.simulator.encoding.json"
local multipart = require "openhands.simulator.http.multipart"
local reply = require "openhands.simulator.http.response"
local validation = require "openhands.simulator.handler.validation"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array, null = json.array, json.null

-- Wraps an operation on a path; `answer` gets the path.
local function with_path(answer)
  return function(model, call, first)
    local query, errors = validation.query(call.query, { path = { kind = "text", required = true } })
    if errors then return reply.detail(422, array(errors)) end
    return answer(model, call, query.path, first)
  end
end

local function with_absolute_path(answer)
  return with_path(function(model, call, path)
    if path:sub(1, 1) ~= "/" then return reply.detail(400, "Path must be absolute") end
    return answer(model, call, path)
  end)
end

local function upload(_, call, path)
  local part = multipart.named(call, "file")[1]
  if not part then
    return reply.detail(422, array { {
      type = "missing", loc = array { "body", "file" }, msg = "Field required", input = null,
    } })
  end
  workspace.write(call.job, path, part.body)
  return reply.json(200, { success = true })
end

local function download(_, call, path)
  local content = workspace.read(call.job, path)
  if not content then return reply.detail(404, "File not found") end
  return reply.raw(200, "application/octet-stream", content, {
    { "Content-Disposition", ('attachment; filename="%s"'):format(path:match("[^/]*$")) },
  })
end

local function changes(_, call, path)
  return reply.json(200, array(workspace.changes(call.job, path)))
end

local function difference(_, call, path)
  local sides = workspace.difference(call.job, path)
  return reply.json(200, { modified = sides.modified or null, original = sides.original or null })
end

local commit = {
  sha = ("0123456789abcdef"):rep(3):sub(1, 40), short_sha = "0123456", subject = "Begin", author = "Ada",
  timestamp = "2026-08-19T08:00:00+00:00",
}

local function commits()
  return reply.json(200, { commits = array { commit }, has_more = false })
end

local function commit_changes(_, call, path, sha)
  if sha ~= commit.sha and sha ~= commit.short_sha then return reply.detail(404, "Commit not found") end
  return reply.json(200, array(workspace.changes(call.job, path)))
end

local function create_directory()
  return reply.json(200, { success = true })
end

-- No archive that anybody could unpack: the names of the files.
local function archive(_, call, path)
  local names = {}
  for _, each in ipairs(workspace.list(call.job, path)) do names[#names + 1] = each .. "\n" end
  return reply.raw(200, "application/octet-stream", table.concat(names), {
    { "Content-Disposition", 'attachment; filename="archive"' },
  })
end

local function trajectory(_, _, job)
  local position, history = 0, job.history
  local source = zip.source(function()
    position = position + 1
    if position > history:count() then return nil end
    return ("event_%06d_%s.json"):format(position - 1, history:id(position)), history:text(position)
  end)
  return reply.stream(200, "application/zip", source, nil, {
    { "Content-Disposition", ('attachment; filename="%s.zip"'):format(job.id) },
  })
end

return {
  { method = "POST", path = "/api/file/upload", answer = with_absolute_path(upload) },
  { method = "GET", path = "/api/file/download", answer = with_absolute_path(download) },
  { method = "GET", path = "/api/file/download-trajectory/{id}",
    answer = agent_view.with_conversation(trajectory) },
  { method = "GET", path = "/api/git/changes", answer = with_path(changes) },
  { method = "GET", path = "/api/git/diff", answer = with_path(difference) },
  { method = "GET", path = "/api/git/commits", answer = with_path(commits) },
  { method = "GET", path = "/api/git/commits/{sha}/changes", answer = with_path(commit_changes) },
  { method = "GET", path = "/api/file/archive", answer = with_absolute_path(archive) },
  { method = "POST", path = "/api/file/create_directory", answer = with_absolute_path(create_directory) },
}
