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

-- Returns the known conversations that a text may mean, by their ids only or by their titles, too. An id that is the
-- text itself comes alone.
local function known(text, only_ids)
  local digits, wanted, found = digits_of(text), vim.fn.tolower(text), {}
  for _, entry in ipairs(conversations.all()) do
    local id = entry.conversation.conversation_id
    local own = digits_of(id)
    if id == text or digits and own == digits then
      return { id }
    elseif digits and own and own:sub(1, #digits) == digits
      or not only_ids and vim.fn.stridx(vim.fn.tolower(texts.name(entry.conversation)), wanted) >= 0 then
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

local function several(text, found)
  return ("'%s' may mean %d conversations"):format(text, #found)
end

local function none(text)
  return ("no conversation '%s' is known here"):format(text)
end

-- Returns the title of a conversation if a text begins with it.
local function title_before(text, conversation)
  local title = texts.has_title(conversation) and texts.name(conversation)
  local is_before = title and vim.startswith(vim.fn.tolower(text) .. " ", vim.fn.tolower(title) .. " ")
  return is_before and title or nil
end

-- Returns the title of a conversation that is not meant, if a text begins with it.
local function other_title(text)
  local present = conversations.get(M.present() or "")
  if present and title_before(text, present.conversation) then
    return nil
  end
  for _, entry in ipairs(conversations.all()) do
    local title = title_before(text, entry.conversation)
    if title then
      return title
    end
  end
end

--- Returns the conversation whose id, its beginning, or a part of whose title is a text.
---@param text string
---@return string? id
---@return string? problem
function M.find(text)
  local found = known(text, whole_id(text) ~= nil)
  if #found == 1 then
    return found[1]
  elseif found[1] then
    return nil, ("%s; use <Tab> to choose one"):format(several(text, found))
  elseif whole_id(text) then
    return text
  end
  return nil, none(text) .. "; :OpenHands list shows those of your account"
end

--- Takes the id at the beginning of a text, or the beginning of one that is known. What follows `--` is all text.
---@param text string
---@return string? id
---@return string rest
---@return string? problem the text begins with what looks like an id, or with a title, but names no conversation
function M.split(text)
  local verbatim = texts.after_dashes(text)
  local word, rest = text:match "^([^ \t\n]+)[ \t\n]*(.*)$"
  if verbatim or not word then
    return nil, verbatim or text
  end
  local found = known(word, true)
  local id = #found == 1 and found[1] or whole_id(word)
  if id then
    return id, rest --[[@as string]]
  elseif digits_of(word) then
    return nil, text, found[1] and several(word, found) or none(word)
  end
  local title = other_title(text)
  return nil, text, title and ("'%s' is the title of another conversation: name it by its id"):format(title)
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
