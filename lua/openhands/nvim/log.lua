--- Keeps the latest lines of the client's log, for `:OpenHands log`. The library removes secrets from them.

local updates = require "openhands.nvim.updates"

local M = {}

local lines, first, last, most = {}, 1, 0, 1000

--- Sets how many lines are kept.
---@param count integer
function M.keep(count)
  most = count
end

--- A subscription to changes of the log, see updates.lua.
M.changed = updates.new()

--- Adds a line. May be called in a fast event.
---@param line string
function M.add(line)
  last = last + 1
  lines[last] = os.date "%H:%M:%S " .. line
  if last - first >= most then
    lines[first] = nil
    first = first + 1
  end
  M.changed:note()
end

--- Returns the lines that are kept, the oldest first.
---@return string[]
function M.lines()
  local list = {}
  for place = first, last do
    list[#list + 1] = lines[place]
  end
  return list
end

return M
