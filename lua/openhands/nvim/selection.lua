--- Lets the user choose one of the account's conversations.

local configuration = require "openhands.nvim.configuration"
local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"

local M = {}

local function label(conversation)
  local repository = conversation.selected_repository
  return ("%-9s %s%s"):format(conversation.state, texts.name(conversation),
    repository and conversation.title and " (" .. texts.line(repository) .. ")" or "")
end

-- Returns the conversations whose title contains a text.
local function with_title(list, title)
  local found = {}
  for _, conversation in ipairs(list or {}) do
    if vim.fn.stridx(vim.fn.tolower(texts.name(conversation)), vim.fn.tolower(title)) >= 0 then
      found[#found + 1] = conversation
    end
  end
  return found
end

-- Reads a page of conversations, whose title contains a text if there is one. V0 cannot search: there, the text is
-- looked for in the newest ones.
local function read(client, title)
  local limit = configuration.get().board.limit
  local list, err = client:list({ limit = limit, title__contains = title }):page()
  if err and err.kind == "unsupported" and title then
    list, err = client:list({ limit = limit }):page()
    list = list and with_title(list, title)
  end
  client:_find_ends(list or {}, true) -- without requests: the user waits for the list
  return list, err
end

--- Reads the newest conversations of the account.
---@param title string? a part of their titles
---@param done fun(list: openhands.Conversation[])
function M.read(title, done)
  service.run(function(client)
    return read(client, title ~= "" and title or nil)
  end, function(err, list)
    if err then
      return notice.fail(err)
    end
    for _, conversation in ipairs(list or {}) do
      conversations.note(conversation)
    end
    done(list or {})
  end)
end

--- Lets the user choose one, and calls a function with its id.
---@param options { title: string? }
---@param run fun(id: string)
function M.choose(options, run)
  M.read(options.title, function(list)
    if not list[1] then
      return notice.warn "there is no such conversation"
    end
    vim.ui.select(list, { prompt = "OpenHands", format_item = label, kind = "openhands" }, function(conversation)
      if conversation then
        conversations.mention(conversation.conversation_id)
        run(conversation.conversation_id)
      end
    end)
  end)
end

return M
