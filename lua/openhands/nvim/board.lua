--- A buffer with a line for each conversation: those that this editor waits for, and the newest of the account. While
--- it is shown, the list is read again from time to time with a single request. Only lines that differ are written.

local boards = require "openhands.display.board"
local buffers = require "openhands.nvim.buffer"
local configuration = require "openhands.nvim.configuration"
local conversations = require "openhands.nvim.conversations"
local notice = require "openhands.nvim.notice"
local pending_starts = require "openhands.nvim.pending_starts"
local service = require "openhands.nvim.service"
local texts = require "openhands.nvim.text"

local M = {}

local NAME = "openhands://board"
local TICK = 1000 -- milliseconds between two drawings while something runs: its age changes
local NARROWEST = 20 -- columns

local uv = vim.uv or vim.loop
local namespace = vim.api.nvim_create_namespace "openhands_board"

-- The highlight of each group of the display, and how it looks unless the colour scheme says otherwise.
local highlights = {
  heading = { "OpenHandsHeading", "Title" },
  total = { "OpenHandsTotal", "Title" },
  name = { "OpenHandsName", "Identifier" },
  time = { "OpenHandsTime", "Number" },
  cost = { "OpenHandsCost", "Number" },
  pull_request = { "OpenHandsPullRequest", "Underlined" },
  words = { "OpenHandsWords", "Comment" },
  link = { "OpenHandsLink", "Underlined" },
  state_failed = { "OpenHandsFailed", "ErrorMsg" },
  state_waiting = { "OpenHandsWaiting", "WarningMsg" },
  state_paused = { "OpenHandsPaused", "WarningMsg" },
  state_stopped = { "OpenHandsStopped", "WarningMsg" },
  state_gone = { "OpenHandsGone", "Comment" },
  state_unknown = { "OpenHandsUnknown", "Comment" },
  state_starting = { "OpenHandsStarting", "PreProc" },
  state_running = { "OpenHandsRunning", "Type" },
  state_finished = { "OpenHandsFinished", "String" },
}

---@class openhands.nvim.Board
---@field buffer integer
---@field shown openhands.DisplayLine[] as they are in the buffer
---@field changedtick integer? of the buffer when they were written: another one says that somebody else has changed it
---@field timer any
---@field ticks integer
---@field is_placed boolean? the cursor was put on a conversation
---@field is_reading boolean?
---@field problem string? why the list could not be read
local Board = {}
Board.__index = Board

local present -- the board, while its buffer exists

-- ---- what is on it -------------------------------------------------------------------------------------------------

local function is_visible(self)
  return #vim.fn.win_findbuf(self.buffer) > 0
end

local function columns_of(buffer)
  local columns
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    local information = vim.fn.getwininfo(window)[1] or {}
    local width = vim.api.nvim_win_get_width(window) - (information.textoff or 0)
    columns = math.min(columns or width, width)
  end
  return math.max(columns or vim.o.columns, NARROWEST)
end

local function rows()
  local list = pending_starts.rows()
  for _, entry in ipairs(conversations.all()) do
    rawset(entry.conversation, "last_event", entry.last_event)
    list[#list + 1] = entry.conversation
  end
  return list
end

local function lines(self)
  local options = { columns = columns_of(self.buffer), now = os.time(), ascii = configuration.get().ascii }
  local list = boards.lines(rows(), options)
  if self.problem then
    table.insert(list, { text = texts.line(self.problem), spans = {} })
  end
  return list
end

-- ---- drawing -------------------------------------------------------------------------------------------------------

local function mark_line(buffer, row, line)
  vim.api.nvim_buf_clear_namespace(buffer, namespace, row, row + 1)
  for _, span in ipairs(line.spans or {}) do
    local highlight = highlights[span[3]] or highlights.words
    vim.api.nvim_buf_set_extmark(buffer, namespace, row, span[1] - 1, {
      end_col = math.min(span[2], #line.text),
      hl_group = highlight[1],
    })
  end
end

local function is_same(one, other)
  return one and other and one.text == other.text and vim.deep_equal(one.spans, other.spans)
end

-- Returns the conversation on which the cursor of each window is.
local function cursors(self)
  local places = {}
  for _, window in ipairs(vim.fn.win_findbuf(self.buffer)) do
    local line = self.shown[vim.api.nvim_win_get_cursor(window)[1]]
    places[window] = line and line.conversation_id
  end
  return places
end

-- Keeps the cursor of each window on its conversation.
local function restore(self, places)
  for window, id in pairs(places) do
    for row, line in ipairs(self.shown) do
      if line.conversation_id == id then
        local column = vim.api.nvim_win_get_cursor(window)[2]
        vim.api.nvim_win_set_cursor(window, { row, math.min(column, #line.text) })
        break
      end
    end
  end
end

-- Puts the cursor of each window on the first conversation, once there is one: on the heading, no key has an effect.
local function place(self)
  for row, line in ipairs(not self.is_placed and self.shown or {}) do
    if line.conversation_id then
      self.is_placed = true
      for _, window in ipairs(vim.fn.win_findbuf(self.buffer)) do
        if vim.api.nvim_win_get_cursor(window)[1] == 1 then
          vim.api.nvim_win_set_cursor(window, { row, 0 })
        end
      end
      return
    end
  end
end

-- Writes the lines that differ from those in the buffer.
function Board:draw()
  if not vim.api.nvim_buf_is_valid(self.buffer) or not is_visible(self) then
    return
  end
  local fresh, places = lines(self), cursors(self)
  if self.changedtick and self.changedtick ~= vim.api.nvim_buf_get_changedtick(self.buffer) then
    buffers.set_lines(self.buffer, 0, -1, {})
    self.shown = {}
  end
  self.changedtick = 0 -- until all is written: an error leaves a part of it
  for row, line in ipairs(fresh) do
    local before = self.shown[row]
    if not is_same(before, line) then
      if not before or before.text ~= line.text then
        local is_first = row == 1 and #self.shown == 0
        buffers.set_lines(self.buffer, row - 1, (before or is_first) and row or row - 1, { line.text })
      end
      mark_line(self.buffer, row - 1, line)
    end
  end
  if #self.shown > #fresh then
    buffers.set_lines(self.buffer, #fresh, -1, {})
  end
  self.shown, self.changedtick = fresh, vim.api.nvim_buf_get_changedtick(self.buffer)
  restore(self, places)
  place(self)
  conversations.seen()
end

-- ---- reading -------------------------------------------------------------------------------------------------------

local function note_all(list)
  for _, conversation in ipairs(list) do
    conversations.note(conversation)
  end
end

-- Reads the newest conversations of the account, with one request. How the work of those ended that sleep, their events
-- tell; these are read once.
function Board:read()
  if self.is_reading then
    return
  end
  self.is_reading = true
  service.run(function(client)
    local list, err = client:list({ limit = configuration.get().board.limit }):page()
    if list then
      client:_find_ends(list, true)
      note_all(list) -- at once: the events may take seconds
      client:_find_ends(list)
    end
    return list, err
  end, function(err, list)
    self.is_reading = nil
    self.problem = err and "The list could not be read: " .. tostring(err) or nil
    note_all(not err and list or {})
    conversations.changed:note()
  end)
end

-- Draws while something runs, because its age changes, and reads the list when that is due.
function Board:tick()
  if not is_visible(self) then
    return
  end
  self.ticks = self.ticks + 1
  local period = math.max(1, math.floor(configuration.get().board.refresh * 1000 / TICK))
  if self.ticks % period == 0 then
    self:read()
  end
  conversations.changed:note()
end

local function close(self)
  self.timer:stop()
  self.timer:close()
  conversations.changed:unsubscribe(self)
  present = nil
end

-- ---- opening -------------------------------------------------------------------------------------------------------

local function set_highlights()
  for _, names in pairs(highlights) do
    vim.cmd(("highlight default link %s %s"):format(names[1], names[2]))
  end
end

--- Returns the conversation under the cursor, if the current buffer is the board.
---@return string?
function M.under_cursor()
  if present and vim.api.nvim_get_current_buf() == present.buffer then
    local line = present.shown[vim.api.nvim_win_get_cursor(0)[1]]
    return line and line.conversation_id
  end
end

local function new(buffer)
  local self = setmetatable({ buffer = buffer, shown = {}, ticks = 0, timer = uv.new_timer() }, Board)
  conversations.changed:subscribe(self, function()
    self:draw()
  end)
  self.timer:start(TICK, TICK, vim.schedule_wrap(function()
    if present == self then
      self:tick()
    end
  end))
  buffers.when_gone(buffer, function()
    close(self)
  end)
  buffers.bind_keys(buffer, function()
    local id = M.under_cursor()
    if not id then
      notice.warn "there is no conversation on this line"
    end
    return id
  end)
  buffers.bind(buffer, "r", function()
    service.try_again()
    self:read()
  end, "read the list again")
  return self
end

--- Shows the board.
function M.open()
  local buffer, is_new = buffers.open(NAME)
  local window = buffers.show(buffer, configuration.get().board.open)
  if is_new then
    set_highlights()
    present = new(buffer)
    vim.bo[buffer].filetype = "openhands"
    buffers.set_window(window, {
      wrap = false, cursorline = true, number = false, relativenumber = false, list = false, spell = false,
    })
  end
  if present then
    present.is_placed = nil -- the window may be a new one
    present:draw()
    present:read()
  end
end

return M
