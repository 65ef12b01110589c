--- Shows what an agent has changed, as a diff in a buffer.

local buffers = require "openhands.nvim.buffer"
local clean = require "openhands.display.text"
local configuration = require "openhands.nvim.configuration"
local notice = require "openhands.nvim.notice"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"

local M = {}

local MOST_FILES = 200 -- whose changes are shown; of the others, only the names
local AT_ONCE = 6 -- files that are read
local MOST_BYTES = 1000000 -- of a file whose changes are computed here

-- Returns the lines of one file's changes. Nothing of them is hidden.
local function lines_of(change, versions)
  local path = clean.revealed(change.path):gsub("\n", "^J")
  local before, after = versions.original or "", versions.modified or ""
  local lines = {
    ("diff --git a/%s b/%s"):format(path, path),
    "--- " .. (change.status == "ADDED" and "/dev/null" or "a/" .. path),
    "+++ " .. (change.status == "DELETED" and "/dev/null" or "b/" .. path),
  }
  if type(before) ~= "string" or type(after) ~= "string" or before:find "%z" or after:find "%z" then
    lines[#lines + 1] = "Binary files differ"
  elseif #before + #after > MOST_BYTES then
    lines[#lines + 1] = ("The file is too large to be compared here (%d bytes)"):format(#after)
  else
    local compare = vim.text and vim.text.diff or vim.diff
    local differences = clean.revealed((compare(before, after, { ctxlen = 3 }):gsub("\n$", "")))
    vim.list_extend(lines, vim.split(differences, "\n", { plain = true }))
  end
  return lines
end

-- Reads each file before and after its changes, a few at a time. A file that cannot be read has false.
local function read_versions(client, id, changes)
  local reads = {}
  for place = 1, math.min(#changes, MOST_FILES) do
    reads[place] = function()
      return client:diff(id, { path = changes[place].path }) or false
    end
  end
  return client:all(reads, { concurrency = AT_ONCE }) or {}
end

-- Runs as a task: reads what has changed, and each file before and after.
local function read(client, id)
  local changes, err = client:changes(id)
  if not changes then
    return nil, err
  end
  local versions = read_versions(client, id, changes)
  local lines = {}
  for place, change in ipairs(changes) do
    vim.list_extend(lines, versions[place] and lines_of(change, versions[place])
      or { ("%s %s"):format(texts.line(change.status), texts.line(change.path)) })
  end
  return lines
end

--- Shows what has changed in the workspace of a conversation.
---@param id string
function M.show(id)
  service.run(function(client)
    return read(client, id)
  end, function(err, lines)
    if err then
      return notice.fail(err)
    elseif not lines[1] then
      return notice.warn "nothing has changed in the workspace of this conversation"
    end
    local buffer, is_new = buffers.open("openhands://diff/" .. id)
    buffers.show(buffer, configuration.get().diff.open)
    buffers.set_lines(buffer, 0, -1, lines)
    if is_new then
      vim.bo[buffer].filetype = "diff"
      vim.b[buffer].openhands_conversation = id
      buffers.bind_keys(buffer)
    end
  end)
end

return M
