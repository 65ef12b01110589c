--- Shows how conversations go on while a program waits for them: a line for one, a board for several. Sends nothing: it
--- shows what the wait has seen.

local boards = require "openhands.display.board"
local conversations = require "openhands.display.conversation"
local errors = require "openhands.errors"
local lives = require "openhands.display.live"
local spans = require "openhands.display.spans"

local M = {}

local INTERVAL = 0.25 -- seconds between two drawings
local SHARE = 0.02 -- of the time may go to drawing; thousands of conversations are drawn more rarely

local SPINNER = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" }
local SPINNER_ASCII = { "|", "/", "-", "\\" }

---@class openhands.Progress
---@field private _live openhands.Live
---@field private _now fun(): number
---@field private _keys any[] those that were added first come first
---@field private _seen table<any, table> what was last seen, by key
---@field private _frame integer of the spinner
---@field private _is_broken boolean? it has failed, and shows nothing any more
---@field private _due_at number monotonic moment of the next drawing
local Progress = { __name = "openhands.Progress" }
Progress.__index = Progress

-- Returns what writes lines in hosts whose screen a library must not touch. Neovim shows messages itself.
local function of_host()
  local vim = rawget(_G, "vim")
  if type(vim) == "table" and vim.notify and vim.schedule then
    return {
      terminal = { is_terminal = false, columns = 80, rows = 24, can_redraw = false },
      write = function(text)
        vim.schedule(function()
          vim.notify((text:gsub("\n$", "")))
        end)
      end,
    }
  end
end

--- Shows nothing yet.
---@param now fun(): number monotonic, seconds
---@param options table? as for `live.new`; by default those of the host
---@return openhands.Progress
function M.new(now, options)
  options = options or of_host() or {}
  options.now = options.now or now
  return setmetatable({
    _live = lives.new(options --[[@as openhands.LiveOptions]]), _now = now, _keys = {}, _seen = {}, _frame = 0,
    _due_at = -math.huge,
  }, Progress)
end

local function lines_of(self)
  local live = self._live
  local columns, ascii = live:columns(), live.terminal.ascii
  if #self._keys == 1 then
    local conversation = self._seen[self._keys[1]]
    local frames = (ascii and SPINNER_ASCII or SPINNER) --[[@as string[] ]]
    local mark = conversation.settled and "*" or frames[self._frame % #frames + 1]
    local line = conversations.spans(conversation, math.max(columns - 2, 1) --[[@as integer]], nil, ascii)
    return { spans.cut(spans.prefixed(mark .. " ", line), columns, ascii) }
  end
  local rows = {}
  for place, key in ipairs(self._keys) do
    rows[place] = self._seen[key]
  end
  local options = { columns = columns, rows = live.terminal.rows - 1, ascii = ascii }
  return boards.lines(rows, options --[[@as table]])
end

-- Calls a function. If it fails, nothing is shown any more: a wait goes on whatever happens to what it shows.
local function protected(self, run, ...)
  if self._is_broken then
    return nil
  end
  local good, result = pcall(run, self, ...)
  if good then
    return result
  elseif errors.is_interrupt(result) then
    error(result, 0)
  end
  self._is_broken = true
end

local function see(self, key, conversation, is_last)
  self._seen[key], self._due_at = conversation, -math.huge
  if is_last or not conversation.settled then -- the answer comes after the state
    local line = conversations.spans(conversation, nil, nil, self._live.terminal.ascii)
    self._live:note(key, tostring(conversation.state), line)
  end
end

local function add(self, key, conversation)
  self._keys[#self._keys + 1], self._seen[key] = key, conversation
  if conversation.state then
    see(self, key, conversation)
  end
end

local function draw(self, now)
  if now >= self._due_at then
    self._frame = self._frame + 1
    self._live:draw(lines_of(self))
    self._due_at = now + math.max(INTERVAL, (self._now() - now) / SHARE)
  end
  return self._due_at
end

local function finish(self)
  if self._live.terminal.can_redraw and #self._keys > 0 then
    self._live:draw(lines_of(self))
  end
  self._live:finish()
end

--- Adds a conversation.
---@param key any
---@param conversation table as the caller has it, or with its `conversation_id` alone
function Progress:add(key, conversation)
  protected(self, add, key, conversation)
end

--- Takes a conversation as it was just seen.
---@param key any
---@param conversation table
---@param is_last boolean? it will not be seen again
function Progress:see(key, conversation, is_last)
  protected(self, see, key, conversation, is_last)
end

--- Draws what was seen, if it is time for that.
---@param now number monotonic, seconds
---@return number moment of the next drawing; math.huge where nothing is drawn
function Progress:tick(now)
  if not self._live.terminal.can_redraw or #self._keys == 0 then
    return math.huge
  end
  return protected(self, draw, now) --[[@as number?]] or math.huge
end

--- Draws the end, and leaves it on the screen.
function Progress:finish()
  protected(self, finish)
end

return M
