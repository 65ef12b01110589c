--- Starts a conversation from the editor: with the lines that were selected, on the repository of the file.

local contexts = require "openhands.nvim.context"
local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local pending_starts = require "openhands.nvim.pending_starts"
local repositories = require "openhands.nvim.repository"
local service = require "openhands.nvim.service"
local spelling = require "openhands.spelling"
local texts = require "openhands.nvim.text"

local M = {}

local is_word = { repository = true, branch = true, id = true }

-- The library's names for the same.
local names_of_library = { selected_repository = "repository", selected_branch = "branch", conversation_id = "id" }

-- Returns the word that a name was probably meant to be. Few letters may be wrong: a task may begin with `x=1`, too.
local function meant_by(name)
  local plain = vim.fn.tolower((name:gsub("^%-+", "")))
  return names_of_library[plain] or spelling.nearest(plain, is_word, math.floor(#plain / 4))
end

-- Takes `repository=owner/name`, `branch=name` and `id=…` from the beginning of a text. What follows `--` is the task.
local function take_words(text)
  local words = {}
  while true do
    local name, value, rest = text:match "^(%-*[A-Za-z][A-Za-z0-9_-]*)=([^ ]*) *(.*)$"
    if not is_word[name] then
      local meant = name and meant_by(name)
      return words, texts.after_dashes(text) or text,
        meant and ("there is no field '%s' (did you mean '%s='?)"):format(name, meant)
    end
    words[name], text = value, rest
  end
end

-- Returns where a conversation works, for a message.
local function where(fields)
  if not fields.repository then
    return "without a repository"
  end
  local name = texts.line(fields.repository):gsub("^.*://[^/]*/", ""):gsub("^[^:/]*@[^:]*:", "")
  return ("on %s%s"):format(name, fields.selected_branch and ", branch " .. texts.line(fields.selected_branch) or "")
end

local function send(entry, options, remark)
  local fields = entry.fields
  notice.info(("starting %s: %s"):format(where(fields), texts.line(entry.task)))
  service.run(function(client)
    return client:start(fields, options)
  end, function(err, conversation)
    pending_starts.finish(entry, err)
    if err then
      return notice.fail(err)
    end
    conversation.selected_repository = conversation.selected_repository or fields.repository
    conversations.watch(conversation, texts.line(entry.task))
    conversations.mention(conversation.conversation_id)
    notice.info(("started %s: %s"):format(where(fields), conversation.url))
    if remark then
      notice.warn(remark)
    end
  end)
end

local function send_new(task, fields, remark)
  local entry = pending_starts.add(task, fields)
  send(entry, {
    on_id = function(id)
      pending_starts.name(entry, id)
    end,
  }, remark)
end

-- Takes up a start whose outcome is unknown: the library looks for its id before it sends anything.
local function take_up(id)
  local entry = pending_starts.get(id)
  if not entry then
    return notice.warn(("no start '%s' is known here; see :OpenHands list"):format(texts.line(id)))
  elseif entry.state == "starting" then
    return notice.warn(("the start %s is under way"):format(id))
  end
  pending_starts.resume(entry)
  entry.fields.conversation_id = id
  send(entry, { resume = true })
end

-- Returns what the agent will not see, though the user may think so; nil: nothing.
local function remark_about(fields, found, words, directory)
  if fields.repository then
    return not words.repository and found.remark and "the agent sees what was pushed, but " .. found.remark or nil
  elseif words.repository or found.is_given then
    return nil
  end
  local why = found.root and ("the git repository %s has no remote that the service can reach"):format(found.root)
    or "no git repository was found for " .. directory
  return ("the agent has no repository: %s; name one with repository=owner/name"):format(texts.line(why))
end

local function start(task, words, context, directory)
  repositories.find(directory, function(found)
    local fields = {
      initial_user_msg = context and contexts.message(task, context, found.root) or task,
      repository = found.repository,
      selected_branch = found.branch,
    }
    if words.repository then
      fields.repository = words.repository ~= "" and words.repository or nil
      fields.selected_branch = nil
    end
    if words.branch then
      fields.selected_branch = words.branch ~= "" and words.branch or nil
    end
    local problem = fields.repository and select(3, require("openhands.api.repository").take_apart(fields.repository))
    if problem then
      return notice.warn(("not started: 'repository' %s"):format(problem))
    end
    send_new(task, fields, remark_about(fields, found, words, directory))
  end)
end

--- Starts a conversation; asks for the task if there is none.
---@param text string the task, perhaps after `repository=owner/name`, `branch=name` and `--`; or `id=…` of a start
--- whose outcome is unknown
---@param range openhands.nvim.Range? lines for the agent
function M.start(text, range)
  local words, task, misspelt = take_words(text)
  if misspelt then
    return notice.warn(("not started: %s; to take it as text: :OpenHands start -- …"):format(misspelt))
  elseif words.id then
    return take_up(words.id)
  end
  local context, problem
  local buffer = vim.api.nvim_get_current_buf()
  if range then
    context, problem = contexts.take(range.buffer, range.first, range.last)
    if problem then
      return notice.warn(problem)
    end
  end
  local directory = repositories.directory_of(buffer)
  if task ~= "" then
    return start(task, words, context, directory)
  end
  vim.ui.input({ prompt = "Task for OpenHands: " }, function(typed)
    if typed and typed ~= "" then
      start(typed, words, context, directory)
    end
  end)
end

return M
