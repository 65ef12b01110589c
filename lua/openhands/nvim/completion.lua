--- Completes `:OpenHands`: subcommands, then conversations that this editor knows. Nothing is asked of the service.

local commands = require "openhands.nvim.command"

local M = {}

local function beginning_with(names, start)
  return vim.tbl_filter(function(name)
    return name:sub(1, #start) == start
  end, names)
end

-- Returns the ids that begin with a text, or whose title contains it.
local function conversations(text)
  local loaded = package.loaded["openhands.nvim.conversations"] -- otherwise none is known
  local ids, wanted = {}, vim.fn.tolower(text)
  for _, entry in ipairs(loaded and loaded.all() or {}) do
    local conversation = entry.conversation
    local name = vim.fn.tolower(require("openhands.nvim.text").name(conversation))
    local id = conversation.conversation_id
    if id:sub(1, #text) == text or vim.fn.stridx(name, wanted) >= 0 then
      ids[#ids + 1] = id
    end
  end
  return ids
end

--- Returns the completions of a command line.
---@param lead string the word at the cursor
---@param line string
---@param position integer of the cursor
---@return string[]
function M.complete(lead, line, position)
  local before = line:sub(1, position)
  local name, rest = before:match "OpenHands!? +([^ ]+) +(.*)$"
  if not name or not rest then
    return beginning_with(commands.names(), lead)
  end
  local takes = (commands.subcommands[name] or {}).takes
  local is_first = not rest:find " "
  if takes == "task" then
    return is_first and lead ~= "" and beginning_with({ "repository=", "branch=", "id=" }, lead) or {}
  elseif takes == "conversation" or takes == "message" and is_first then
    return conversations(lead)
  end
  return {}
end

return M
