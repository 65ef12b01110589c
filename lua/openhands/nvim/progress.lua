--- Shows running conversations as progress messages, in Neovim 0.12 and later. Older ones have `statusline()` only.

local configuration = require "openhands.nvim.configuration"
local texts = require "openhands.nvim.text"

local M = {}

local is_supported = vim.fn.has "nvim-0.12" == 1

local messages = {} -- the messages, by conversation: `{ id, text }`

-- In a progress message's own words.
local statuses = { finished = "success", failed = "failed", gone = "failed", paused = "cancel", stopped = "cancel" }

--- Shows the state of a conversation in its message.
---@param conversation openhands.Conversation
function M.show(conversation)
  if not is_supported or not configuration.get().progress then
    return
  end
  local key = conversation.conversation_id
  local before = messages[key] or {}
  local text = texts.name(conversation) .. " " .. conversation.state -- short: a long one would wait for a key
  if before.text == text then
    return
  end
  local good, id = pcall(vim.api.nvim_echo, { { text } }, false, {
    id = before.id,
    kind = "progress",
    source = "openhands",
    title = "OpenHands",
    status = statuses[conversation.state] or conversation.settled and "success" or "running",
  })
  is_supported = good -- a Neovim that refuses this is not asked again
  messages[key] = good and not conversation.settled and { id = id, text = text } or nil
end

return M
