--- Finds the conversation that a command is about, from what the user has typed, or from where the cursor is.

local conversations = require "openhands.nvim.conversations"
local texts = require "openhands.nvim.text"

local M = {}

local FEWEST_DIGITS = 8 -- of an id that is not typed whole
local DIGITS = 32 -- of a whole id

-- Returns the digits of an id, or of its beginning; nil if a text is none.
local function digits_of(text)
  local digits = vim.fn.tolower((text:gsub("-", "")))
  return #digits >= FEWEST_DIGITS and digits:find "^[0-9a-f]+$" and digits or nil
end

-- Returns the known conversations that a text may mean. An id that is the text itself comes alone.
local function known(text)
  local digits, wanted, found = digits_of(text), vim.fn.tolower(text), {}
  for _, entry in ipairs(conversations.all()) do
    local id = entry.conversation.conversation_id
    local own = digits_of(id)
    if digits and own == digits then
      return { id }
    elseif digits and own and own:sub(1, #digits) == digits
      or vim.fn.stridx(vim.fn.tolower(texts.name(entry.conversation)), wanted) >= 0 then
      found[#found + 1] = id
    end
  end
  return found
end

-- Returns a text if it is a whole id, which need not be known here.
local function whole_id(text)
  local digits = digits_of(text)
  return digits and #digits == DIGITS and text or nil
end

--- Returns the conversation whose id, its beginning, or a part of whose title is a text.
---@param text string
---@return string? id
---@return string? problem
function M.find(text)
  local found = known(text)
  if #found == 1 then
    return found[1]
  elseif found[1] then
    return nil, ("'%s' may mean %d conversations; use <Tab> to choose one"):format(text, #found)
  elseif whole_id(text) then
    return text
  end
  return nil, ("no conversation '%s' is known here; :OpenHands list shows those of your account"):format(text)
end

--- Takes the id at the beginning of a text, or the beginning of one that is known.
---@param text string
---@return string? id
---@return string rest
function M.split(text)
  local word, rest = text:match "^([^ ]+) *(.*)$"
  if word and digits_of(word) then
    local found = known(word)
    local id = #found == 1 and found[1] or whole_id(word)
    return id, id and rest or text
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
