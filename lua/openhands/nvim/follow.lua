--- Follows the events of a conversation in a buffer: one line for each, as they come.

local buffers = require "openhands.nvim.buffer"
local configuration = require "openhands.nvim.configuration"
local conversations = require "openhands.nvim.conversations"
local event_texts = require "openhands.display.event"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"
local updates = require "openhands.nvim.updates"

local M = {}

---@class openhands.nvim.FollowView
---@field buffer integer
---@field pending string[] lines that are not in the buffer yet
---@field is_empty boolean
---@field changed openhands.nvim.Updates
local View = {}
View.__index = View

-- Returns the windows of a buffer whose cursor is on its last line: they show what comes.
local function windows_at_end(buffer)
  local last, windows = vim.api.nvim_buf_line_count(buffer), {}
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    if vim.api.nvim_win_get_cursor(window)[1] >= last then
      windows[#windows + 1] = window
    end
  end
  return windows
end

-- Writes the pending lines, and drops the oldest ones.
function View:flush()
  local lines = self.pending
  if not lines[1] or not vim.api.nvim_buf_is_valid(self.buffer) then
    return
  end
  self.pending = {}
  local at_end = windows_at_end(self.buffer)
  buffers.set_lines(self.buffer, self.is_empty and 0 or -1, -1, lines)
  self.is_empty = false
  ---@type integer
  local surplus = (vim.api.nvim_buf_line_count(self.buffer) - configuration.get().follow.lines) --[[@as integer]]
  if surplus > 0 then
    buffers.set_lines(self.buffer, 0, surplus, {})
  end
  local last = vim.api.nvim_buf_line_count(self.buffer)
  for _, window in ipairs(at_end) do
    vim.api.nvim_win_set_cursor(window, { last, 0 })
  end
end

function View:add(line)
  self.pending[#self.pending + 1] = line
  self.changed:note()
end

-- Writes how the conversation stands at the end, and its answer.
function View:conclude(conversation)
  self:add("")
  self:add(texts.outcome(conversation))
  for _, page in ipairs(conversation.pull_requests or {}) do
    self:add(texts.line(page))
  end
  if conversation.answer then
    self:add("")
    for _, line in ipairs(texts.lines(conversation.answer)) do
      self:add(line)
    end
  end
end

-- Runs as a task: adds the events until the conversation settles.
local function read(client, id, view)
  local events = client:events(id, { follow = true, interval = configuration.get().interval })
  local event, err = events:next()
  while event do
    local line = event_texts.text(event)
    view:add(line)
    conversations.note_event(id, line)
    event, err = events:next()
  end
  if err then
    return nil, err
  end
  return client:wait(id, { interval = configuration.get().interval }) -- it has settled; this reads its answer
end

local function begin(id, view)
  local task
  task = service.run(function(client)
    return read(client, id, view)
  end, function(err, conversation)
    if not vim.api.nvim_buf_is_valid(view.buffer) then
      return
    elseif err then
      return view:add("cannot be followed any more: " .. texts.line(err))
    end
    conversations.note(conversation)
    view:conclude(conversation)
  end)
  buffers.when_gone(view.buffer, function()
    view.changed:unsubscribe(view)
    task.cancel()
  end)
end

--- Shows the events of a conversation in a window.
---@param id string
function M.follow(id)
  conversations.seen(id)
  local buffer, is_new = buffers.open("openhands://events/" .. id)
  local window = buffers.show(buffer, configuration.get().follow.open)
  if not is_new then
    return
  end
  buffers.set_window(window, { wrap = true, linebreak = true, number = false, relativenumber = false, list = false })
  vim.b[buffer].openhands_conversation = id
  vim.bo[buffer].filetype = "openhands"
  local function subject()
    return id
  end
  buffers.bind_keys(buffer, subject)
  local view = setmetatable({ buffer = buffer, pending = {}, is_empty = true, changed = updates.new() }, View)
  view.changed:subscribe(view, function()
    view:flush()
  end)
  begin(id, view)
  local known = conversations.get(id)
  if known and not known.conversation.settled then
    conversations.watch(known.conversation)
  end
end

return M
