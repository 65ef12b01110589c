--- A few words for the statusline about the conversations that this editor waits for. They are made when something
--- changes, so that asking for them costs nothing.

local conversations = require "openhands.nvim.conversations"
local pending_starts = require "openhands.nvim.pending_starts"

local M = {}

local order = { "starting", "running", "waiting", "paused", "finished", "failed", "stopped", "gone", "unknown" }

local words = ""

local function make()
  local counts, parts = conversations.counts(), {}
  for _, row in ipairs(pending_starts.rows()) do
    counts[row.state] = (counts[row.state] or 0) + 1
  end
  for _, state in ipairs(order) do
    if counts[state] then
      parts[#parts + 1] = ("%d %s"):format(counts[state], state)
    end
  end
  local before = words
  words = parts[1] and "OpenHands: " .. table.concat(parts, ", ") or ""
  if words ~= before then
    vim.cmd "redrawstatus!"
  end
end

conversations.changed:subscribe(M, make)
make()

--- Returns the words.
---@return string
function M.text()
  return words
end

return M
