--- Names the calls of clients that the modules of `api/` define, without loading these modules: the first of these
--- calls loads them.

local core = require "openhands.core"

local M = {}

-- Rows that only other modules call; users call methods that are built on them.
local internal = { start = true, start_streaming = true, status = true }

-- The calls that have no row of their own, or need more than one; true: those about a conversation.
---@type table<string, boolean>
local composed = {
  agent = true,
  answer = true,
  find_pull_requests = true,
  get = false,
  pause = true,
  request = false,
  resume = true,
}

--- The names of the calls on clients, and whether they are about a conversation.
---@type table<string, boolean>
M.calls = {}

--- The names of the calls in each group.
---@type table<string, table<string, boolean>>
M.groups = {}

--- Splits a name at its dot.
---@param name string
---@return string? group nil: the call is in no group
---@return string leaf
function M.split(name)
  local group, leaf = name:match "^([A-Za-z0-9_]+)%.([A-Za-z0-9_]+)$"
  return group, leaf or name
end

for name, is_about_conversation in pairs(composed) do
  M.calls[name] = is_about_conversation
end
for name, is_about_conversation in pairs(core.operation_names()) do
  local group, leaf = M.split(name)
  if group then
    M.groups[group] = M.groups[group] or {}
    M.groups[group][leaf] = true
  elseif not internal[name] then
    M.calls[name] = is_about_conversation
  end
end

return M
