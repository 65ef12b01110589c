--- Handles requests to the agent server about files and git, and the download of a trajectory.
local json = require "openhands.simulator.encoding.json"
local multipart = require "openhands.simulator.http.multipart"
local responses = require "openhands.simulator.http.responses"
local validation = require "openhands.simulator.handler.validation"
local views = require "openhands.simulator.agent.views"
local workspace = require "openhands.simulator.model.workspace"
local zip = require "openhands.simulator.encoding.zip"

local array = json.array

-- Wraps a handler so that it gets the query parameter `path`, then the first variable part of the URL path.
local function with_path(handler)
  return validation.with_query({ path = { kind = "text", required = true } }, function(model, call, query, first)
    return handler(model, call, query.path, first)
  end)
end

local function with_absolute_path(handler)
  return with_path(function(model, call, path)
    if path:sub(1, 1) ~= "/" then
      return responses.detail(400, "Path must be absolute")
    end
    return handler(model, call, path)
  end)
end

local function upload(_, call, path)
  local part = multipart.named(call, "file")[1]
  if not part then
    return responses.missing("body", "file")
  end
  workspace.write(call.conversation, path, part.body)
  return responses.json(200, { success = true })
end

local function download(_, call, path)
  local content = workspace.read(call.conversation, path)
  if not content then
    return responses.detail(404, "File not found")
  end
  return responses.raw(200, "application/octet-stream", content, {
    { "Content-Disposition", ('attachment; filename="%s"'):format(path:match("[^/]*$")) },
  })
end

local function changes(_, call, path)
  return responses.json(200, array(workspace.changes(call.conversation, path)))
end

local function difference(_, call, path)
  return responses.json(200, workspace.difference(call.conversation, path))
end

local commit = {
  sha = ("0123456789abcdef"):rep(3):sub(1, 40), short_sha = "0123456", subject = "Begin", author = "Ada",
  timestamp = "2026-08-19T08:00:00+00:00",
}

local function commits()
  return responses.json(200, { commits = array { commit }, has_more = false })
end

local function commit_changes(_, call, path, sha)
  if sha ~= commit.sha and sha ~= commit.short_sha then
    return responses.detail(404, "Commit not found")
  end
  return responses.json(200, array(workspace.changes(call.conversation, path)))
end

local function create_directory()
  return responses.json(200, { success = true })
end

-- Returns the names of the files, one per line, in place of a real archive.
local function archive(_, call, path)
  local names = {}
  for _, each in ipairs(workspace.list(call.conversation, path)) do
    names[#names + 1] = each .. "\n"
  end
  return responses.raw(200, "application/octet-stream", table.concat(names), {
    { "Content-Disposition", 'attachment; filename="archive"' },
  })
end

local function trajectory(_, _, conversation)
  local position, history = 0, conversation.history
  local archived = zip.archive(function()
    position = position + 1
    if position > history:count() then
      return nil
    end
    return ("event_%06d_%s.json"):format(position - 1, history:id(position)), history:text(position)
  end)
  return responses.archive(conversation.id .. ".zip", archived)
end

return {
  { method = "POST", path = "/api/file/upload", handler = with_absolute_path(upload) },
  { method = "GET", path = "/api/file/download", handler = with_absolute_path(download) },
  { method = "GET", path = "/api/file/download-trajectory/{id}",
    handler = views.with_conversation(trajectory) },
  { method = "GET", path = "/api/git/changes", handler = with_path(changes) },
  { method = "GET", path = "/api/git/diff", handler = with_path(difference) },
  { method = "GET", path = "/api/git/commits", handler = with_path(commits) },
  { method = "GET", path = "/api/git/commits/{sha}/changes", handler = with_path(commit_changes) },
  { method = "GET", path = "/api/file/archive", handler = with_absolute_path(archive) },
  { method = "POST", path = "/api/file/create_directory", handler = with_absolute_path(create_directory) },
}
