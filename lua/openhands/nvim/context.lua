--- Quotes lines of a buffer for an agent: where they are from, and what they are.

local M = {}

--- The most bytes that are quoted.
M.MOST_BYTES = 100000

-- Returns a fence of backquotes that is longer than any in the text.
local function fence_for(text)
  local longest = 2
  for run in text:gmatch "`+" do
    longest = math.max(longest, #run)
  end
  return ("`"):rep(longest + 1)
end

-- Returns the path of a buffer's file, without symbolic links; nil if it has none.
local function path_of(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  if path == "" or vim.bo[buffer].buftype ~= "" then
    return nil
  end
  return (vim.uv or vim.loop).fs_realpath(path) or path
end

-- Returns a path relative to the root of its repository where it is in one, else the name of the file.
local function relative(path, root)
  if root and path:sub(1, #root + 1) == root .. "/" then
    return path:sub(#root + 2)
  end
  return vim.fn.fnamemodify(path, ":t")
end

--- Lines of a buffer as they were when the command was given.
---@class openhands.nvim.Context
---@field path string? of its file
---@field first integer number of the first line
---@field last integer
---@field lines string[]
---@field filetype string
---@field whole boolean whether these are all lines of the buffer

--- Takes lines of a buffer. Returns nil and a message if they are too many.
---@param buffer integer
---@param first integer
---@param last integer
---@return openhands.nvim.Context? context
---@return string? problem
function M.take(buffer, first, last)
  local lines = vim.api.nvim_buf_get_lines(buffer, first - 1, last, false)
  local bytes = #lines
  for _, line in ipairs(lines) do
    bytes = bytes + #line
  end
  if bytes > M.MOST_BYTES then
    return nil, ("these lines have %d bytes, which is too much for a message: name the file instead"):format(bytes)
  end
  return {
    path = path_of(buffer),
    first = first,
    last = last,
    lines = lines,
    filetype = vim.bo[buffer].filetype,
    whole = first == 1 and last == vim.api.nvim_buf_line_count(buffer),
  }
end

--- Returns the task for an agent, with the lines that it is about.
---@param task string
---@param context openhands.nvim.Context
---@param root string? directory of the working tree
---@return string
function M.message(task, context, root)
  local text = table.concat(context.lines, "\n")
  local where = context.path and ("`%s`"):format(relative(context.path, root)) or "a buffer without a file"
  local which = context.whole and "The whole of " .. where
    or context.first == context.last and ("Line %d of %s"):format(context.first, where)
    or ("Lines %d to %d of %s"):format(context.first, context.last, where)
  local verb = (context.whole or context.first == context.last) and "it is" or "they are"
  local fence = fence_for(text)
  return ("%s\n\n%s, as %s in the editor:\n\n%s%s\n%s\n%s\n"):format(task, which, verb, fence, context.filetype,
    text, fence)
end

return M
