--- Shows running conversations as progress messages, in Neovim 0.12 and later. Older ones have `statusline()` only.

local configuration = require "openhands.nvim.configuration"
local texts = require "openhands.nvim.text"
local widths = require "openhands.display.width"

local M = {}

local TITLE = "OpenHands"

local is_supported = vim.fn.has "nvim-0.12" == 1

local messages = {} -- the messages, by conversation: `{ id, text }`

-- In a progress message's own words.
local statuses = { finished = "success", failed = "failed", gone = "failed", paused = "cancel", stopped = "cancel" }

-- Returns a conversation's name and state, so that they fit on the command line after the title: if a message does not
-- fit, the editor waits for a key.
local function text_of(conversation)
  local space = vim.v.echospace - #TITLE - #": " - #" " - #conversation.state
  local width = math.max(space, 1) --[[@as integer]]
  return widths.truncate(texts.name(conversation), width) .. " " .. conversation.state
end

--- Shows the state of a conversation in its message.
---@param conversation openhands.Conversation
function M.show(conversation)
  if not is_supported or not configuration.get().progress then
    return
  end
  local key = conversation.conversation_id
  local before = messages[key] or {}
  local text = text_of(conversation)
  if before.text == text then
    return
  end
  local good, id = pcall(vim.api.nvim_echo, { { text } }, false, {
    id = before.id,
    kind = "progress",
    source = "openhands",
    title = TITLE,
    status = statuses[conversation.state] or conversation.settled and "success" or "running",
  })
  is_supported = good -- a Neovim that refuses this is not asked again
  messages[key] = good and not conversation.settled and { id = id, text = text } or nil
end

return M
