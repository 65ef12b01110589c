--- The files in the sandbox of a job: what was checked out, and what stands there now. Whoever reads or writes files of
-- a job, by whichever server, does it here. Paths are absolute; git's are relative to the directory that was asked for.
local ascii = require "openhands.ascii"
local M = {}

--- Where the work is done.
M.root = "/workspace/project"

local original = {
  ["README.md"] = "# Widgets\nA libary for widgets.\n",
  ["src/widget.lua"] = 'return { name = "widget" }\n',
  [".openhands/hooks/check.sh"] = "#!/bin/sh\nmake test\n",
}

local changed = {
  ["README.md"] = "# Widgets\nA library for widgets.\n",
  ["PLAN.md"] = "# Plan\n\n1. read\n2. fix\n",
}

--- The files of a job by absolute path, as they are now. To be changed by `write` only.
---@param job table
---@return table<string, string>
function M.files(job)
  if job.checked_out then return job.files end
  job.checked_out, job.files = {}, job.files or {}
  for name, text in pairs(original) do job.checked_out[M.root .. "/" .. name] = text end
  for _, tree in ipairs { changed, original } do
    for name, text in pairs(tree) do
      local path = M.root .. "/" .. name
      job.files[path] = job.files[path] or text
    end
  end
  return job.files
end

--- A path as it is meant: relative ones begin at the root, and neither `.` nor a slash too many counts.
---@param path string
---@return string
function M.absolute(path)
  if path:sub(1, 1) ~= "/" then path = M.root .. "/" .. path end
  path = (path .. "/"):gsub("/+", "/"):gsub("/%./", "/")
  return path == "/" and path or path:sub(1, -2)
end

--- The content of a file.
---@param job table
---@param path string
---@return string? text nil when there is no such file
function M.read(job, path)
  return M.files(job)[M.absolute(path)]
end

--- Makes, replaces or removes a file.
---@param job table
---@param path string
---@param text string? nil removes it
function M.write(job, path, text)
  M.files(job)[M.absolute(path)] = text
end

-- What is left of a path below a directory; nil when it is not there.
local function below(path, directory)
  local prefix = directory == "/" and "/" or directory .. "/"
  if path:sub(1, #prefix) == prefix then return path:sub(#prefix + 1) end
end

--- The files below a directory, relative to it, sorted.
---@param job table
---@param directory string
---@return string[]
function M.list(job, directory)
  local names = {}
  directory = M.absolute(directory)
  for path in pairs(M.files(job)) do names[#names + 1] = below(path, directory) end
  table.sort(names, ascii.is_before)
  return names
end

--- What git says has changed below a directory, sorted by path.
---@param job table
---@param directory string
---@return { status: "ADDED"|"UPDATED"|"DELETED", path: string }[]
function M.changes(job, directory)
  local now, list = M.files(job), {}
  directory = M.absolute(directory)
  local function note(path, status)
    local name = below(path, directory)
    if name then list[#list + 1] = { status = status, path = name } end
  end
  for path, text in pairs(now) do
    local before = job.checked_out[path]
    if not before then note(path, "ADDED") elseif before ~= text then note(path, "UPDATED") end
  end
  for path in pairs(job.checked_out) do
    if not now[path] then note(path, "DELETED") end
  end
  table.sort(list, function(one, other) return ascii.is_before(one.path, other.path) end)
  return list
end

--- Both sides of a file.
---@param job table
---@param path string
---@return { modified: string?, original: string? }
function M.difference(job, path)
  path = M.absolute(path)
  return { modified = M.files(job)[path], original = job.checked_out[path] }
end

return M
