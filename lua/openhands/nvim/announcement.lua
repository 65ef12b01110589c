--- Announces changes of conversations to the user's own code: the autocommands `User OpenHandsStatus` and
--- `User OpenHandsFinished`.

local M = {}

local has_data = vim.fn.has "nvim-0.8" == 1

-- Returns what an autocommand is told about a conversation: texts, numbers and lists of texts.
local function data_of(conversation, previous)
  return {
    conversation_id = conversation.conversation_id,
    state = conversation.state,
    previous = previous,
    settled = conversation.settled,
    title = conversation.title,
    repository = conversation.selected_repository,
    url = conversation.url,
    cost = conversation.cost,
    answer = conversation.answer,
    detail = conversation.detail,
    pull_requests = conversation.pull_requests,
  }
end

-- Runs the autocommands. Neovim 0.7 cannot hand them data, so it is also in a variable.
local function announce(pattern, data)
  vim.g.openhands_event = data
  local options = { pattern = pattern, modeline = false, data = has_data and data or nil }
  local good, problem = pcall(vim.api.nvim_exec_autocmds, "User", options)
  if not good then
    vim.notify(("OpenHands: an autocommand of %s has failed: %s"):format(pattern, problem), vim.log.levels.ERROR)
  end
end

--- Announces that a conversation has another state.
---@param conversation openhands.Conversation
---@param previous openhands.State?
function M.status(conversation, previous)
  announce("OpenHandsStatus", data_of(conversation, previous))
end

--- Announces that a conversation has settled: finished, failed, waits for a person, is paused, stopped or gone.
---@param conversation openhands.Conversation
function M.finished(conversation)
  announce("OpenHandsFinished", data_of(conversation))
end

return M
