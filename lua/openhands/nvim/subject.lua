--- Finds the conversation that a command is about, from what the user has typed, or from where the cursor is.

local conversations = require "openhands.nvim.conversations"
local texts = require "openhands.nvim.text"

local M = {}

local FEWEST_DIGITS = 8 -- of an id that is not typed whole

local function is_id(word)
  local digits = word:gsub("-", "")
  return #digits >= FEWEST_DIGITS and digits:find "^[0-9a-fA-F]+$" ~= nil
end

--- Returns the conversation whose id, its beginning, or a part of whose title is a text. Ids are complete if they are
--- not known.
---@param text string
---@return string? id
---@return string? problem
function M.find(text)
  local wanted, exact, others = text:gsub("-", ""), nil, {}
  for _, entry in ipairs(conversations.all()) do
    local conversation = entry.conversation
    local id = conversation.conversation_id:gsub("-", "")
    if id == wanted then
      exact = conversation.conversation_id
    elseif is_id(text) and id:sub(1, #wanted) == wanted
      or not is_id(text) and vim.fn.stridx(vim.fn.tolower(texts.name(conversation)), vim.fn.tolower(text)) >= 0 then
      others[#others + 1] = conversation.conversation_id
    end
  end
  if exact or #others == 1 then
    return exact or others[1]
  elseif #others > 1 then
    return nil, ("'%s' may mean %d conversations; use <Tab> to choose one"):format(text, #others)
  elseif is_id(text) then
    return text
  end
  return nil, ("no conversation '%s' is known here; :OpenHands list shows those of your account"):format(text)
end

--- Takes the id at the beginning of a text.
---@param text string
---@return string? id
---@return string rest
function M.split(text)
  local word, rest = text:match "^([^ ]+) *(.*)$"
  if word and is_id(word) then
    return M.find(word) or word, rest
  end
  return nil, text
end

--- Returns the conversation that is meant if none is named: that of the buffer (or its line), else the one that was
--- started or named last.
---@return string?
function M.present()
  local of_buffer = vim.b.openhands_conversation
  local board = package.loaded["openhands.nvim.board"]
  local latest = conversations.latest()
  return of_buffer or board and board.under_cursor() or latest and latest.conversation.conversation_id or nil
end

--- Calls a function with the conversation that a text names; without a text, with the one that is meant; if there is
--- none, lets the user choose.
---@param text string
---@param run fun(id: string)
function M.with(text, run)
  local notice = require "openhands.nvim.notice"
  local id, problem
  if text ~= "" then
    id, problem = M.find(text)
  else
    id = M.present()
  end
  if id then
    conversations.mention(id)
    return run(id)
  elseif problem then
    return notice.warn(problem)
  end
  require("openhands.nvim.selection").choose({}, run)
end

return M
