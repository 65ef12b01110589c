--- The files in the sandbox of a conversation: as checked out, and as they are now. The handlers of all servers read
-- and write them here. Stored paths are absolute. Lists contain paths relative to the requested directory.
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"

local M = {}

--- The working directory of the agent.
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

--- Returns the current files of a conversation by absolute path. Read-only: use `write` to change them.
---@param conversation openhands.simulator.Conversation
---@return table<string, string>
function M.files(conversation)
  if conversation.checked_out then
    return conversation.files
  end
  conversation.checked_out, conversation.files = {}, conversation.files or {}
  for name, text in pairs(original) do
    conversation.checked_out[M.root .. "/" .. name] = text
  end
  for _, tree in ipairs { changed, original } do
    for name, text in pairs(tree) do
      local path = M.root .. "/" .. name
      conversation.files[path] = conversation.files[path] or text
    end
  end
  return conversation.files
end

--- Normalizes a path. A relative path starts at `root`; `.` and repeated slashes are removed.
---@param path string
---@return string
function M.absolute(path)
  if path:sub(1, 1) ~= "/" then
    path = M.root .. "/" .. path
  end
  local parts = {}
  for part in path:gmatch "[^/]+" do
    parts[#parts + 1] = part ~= "." and part or nil
  end
  return "/" .. table.concat(parts, "/")
end

--- Returns the content of a file.
---@param conversation openhands.simulator.Conversation
---@param path string
---@return string? text nil if there is no such file
function M.read(conversation, path)
  return M.files(conversation)[M.absolute(path)]
end

--- Creates, replaces or removes a file.
---@param conversation openhands.simulator.Conversation
---@param path string
---@param text string? nil removes it
function M.write(conversation, path, text)
  M.files(conversation)[M.absolute(path)] = text
end

-- Returns a path relative to a directory; nil if the path is not below the directory.
local function below(path, directory)
  local prefix = directory == "/" and "/" or directory .. "/"
  if path:sub(1, #prefix) == prefix then
    return path:sub(#prefix + 1)
  end
end

--- Lists the files below a directory, relative to it, sorted.
---@param conversation openhands.simulator.Conversation
---@param directory string
---@return string[]
function M.list(conversation, directory)
  local names = {}
  directory = M.absolute(directory)
  for path in pairs(M.files(conversation)) do
    names[#names + 1] = below(path, directory)
  end
  table.sort(names, ascii.is_before)
  return names
end

--- Returns the changes below a directory as git reports them, sorted by path.
---@param conversation openhands.simulator.Conversation
---@param directory string
---@return { status: "ADDED"|"UPDATED"|"DELETED", path: string }[]
function M.changes(conversation, directory)
  local now, list = M.files(conversation), {}
  directory = M.absolute(directory)
  local function note(path, status)
    local name = below(path, directory)
    if name then
      list[#list + 1] = { status = status, path = name }
    end
  end
  for path, text in pairs(now) do
    local before = conversation.checked_out[path]
    if not before then
      note(path, "ADDED")
    elseif before ~= text then
      note(path, "UPDATED")
    end
  end
  for path in pairs(conversation.checked_out) do
    if not now[path] then
      note(path, "DELETED")
    end
  end
  table.sort(list, function(one, other) return ascii.is_before(one.path, other.path) end)
  return list
end

--- Returns both versions of a file.
---@param conversation openhands.simulator.Conversation
---@param path string
---@return { modified: string|table, original: string|table } text or null
function M.difference(conversation, path)
  path = M.absolute(path)
  local modified = M.files(conversation)[path]
  return { modified = json.or_null(modified), original = json.or_null(conversation.checked_out[path]) }
end

return M
