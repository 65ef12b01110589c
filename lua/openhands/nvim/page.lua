--- Opens the page of a conversation in the browser.

local browser = require "openhands.nvim.browser"
local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local service = require "openhands.nvim.service"

local M = {}

--- Opens the page of a conversation.
---@param id string
function M.open(id)
  local entry = conversations.get(id)
  conversations.seen(id)
  if entry then
    return browser.open(entry.conversation.url)
  end
  service.run(function(client)
    return client:status(id)
  end, function(err, conversation)
    if err then
      return notice.fail(err)
    end
    conversations.note(conversation)
    browser.open(conversation.url)
  end)
end

return M
