--- Shows lines that change: on a terminal a region at its bottom, which is drawn anew at most ten times a second;
--- elsewhere a line for each change of what is worth a line.
---
--- The cursor always stands below the region. So whatever else is written, also after Ctrl-C, begins on a line of its
--- own.

local core = require "openhands.core"
local errors = require "openhands.errors"
local paint = require "openhands.display.paint"
local terminals = require "openhands.display.terminal"

local M = {}

local SHORTEST = 0.1 -- seconds between two drawings

--- Where to show lines: by default on standard error, with what it can show.
---@class openhands.LiveOptions
---@field descriptor? integer 1: standard output; 2: standard error
---@field terminal? openhands.Terminal what can be shown there
---@field write? fun(text: string)
---@field now? fun(): number monotonic, seconds

---@class openhands.Live
---@field terminal openhands.Terminal what can be shown
---@field private _descriptor integer
---@field private _write fun(text: string)
---@field private _now fun(): number
---@field private _height integer lines of the region as it is drawn
---@field private _drawn_at number moment of the last drawing
---@field private _pending openhands.DisplayLine[]? drawn later, because the last drawing is too recent
---@field private _lines (openhands.DisplayLine|string)[]? of the region as it is drawn
---@field private _noted table<any, string> the last line of each key
local Live = { __name = "openhands.Live" }
Live.__index = Live

-- Writes to standard error. A program may have closed it: nothing is shown then.
local function write_error(text)
  local good, problem = pcall(io.stderr.write, io.stderr, text)
  if not good and errors.is_interrupt(problem) then
    error(problem, 0)
  end
end

--- Makes a region without lines.
---@param options openhands.LiveOptions?
---@return openhands.Live
function M.new(options)
  options = options or {}
  local descriptor = options.descriptor or 2
  return setmetatable({
    terminal = options.terminal or terminals.of(descriptor),
    _descriptor = descriptor,
    _write = options.write or write_error,
    _now = options.now or core.monotonic,
    _height = 0,
    _drawn_at = -math.huge,
    _noted = {},
  }, Live)
end

--- Returns the columns that a line may take now.
---@return integer
function Live:columns()
  if self.terminal.is_terminal then
    self.terminal.columns = terminals.columns(self._descriptor) or self.terminal.columns
  end
  return math.max(1, self.terminal.columns - 1) -- some terminals wrap a line that fills the last column
end

-- Returns what moves the cursor to the beginning of the region.
local function to_top(self)
  return self._height > 0 and ("\27[%dA\r"):format(self._height) or ""
end

local function painted(self, line)
  return type(line) == "string" and line or paint.ansi(line, self.terminal)
end

local function draw(self, lines, above)
  local pieces, most = { to_top(self) }, math.max(1, self.terminal.rows - 1)
  if above then
    pieces[#pieces + 1] = "\27[2K" .. above .. "\n"
  end
  local height = math.min(#lines, most)
  for place = 1, height do
    pieces[#pieces + 1] = "\27[2K" .. painted(self, lines[place]) .. "\n"
  end
  if height < self._height or above then
    pieces[#pieces + 1] = "\27[J"
  end
  self._height, self._drawn_at, self._pending, self._lines = height, self._now(), nil, lines
  self._write(table.concat(pieces))
end

--- Shows lines in place of those before, on a terminal. Keeps them for later if the last drawing is too recent.
---@param lines (openhands.DisplayLine|string)[] no wider than `columns`
---@return boolean is_drawn
function Live:draw(lines)
  if not self.terminal.can_redraw then
    return false
  elseif self._now() - self._drawn_at < SHORTEST then
    self._pending = lines
    return false
  end
  draw(self, lines)
  return true
end

--- Draws the lines that were kept.
function Live:flush()
  if self._pending then
    draw(self, self._pending)
  end
end

--- Writes a line that stays, above the region.
---@param line openhands.DisplayLine|string
function Live:print(line)
  if self.terminal.can_redraw and self._height > 0 then
    draw(self, self._pending or self._lines, painted(self, line))
  else
    self._write(painted(self, line) .. "\n")
  end
end

--- Writes a line that stays, where the region is not shown, if what it says of its subject is new.
---@param key any the subject
---@param news string what is new, e.g. a state
---@param line openhands.DisplayLine|string
function Live:note(key, news, line)
  if self._noted[key] ~= news then
    self._noted[key] = news
    if not self.terminal.can_redraw then
      self:print(line)
    end
  end
end

--- Leaves the lines where they are; what is drawn afterwards stands below.
function Live:finish()
  self:flush()
  self._height, self._lines, self._drawn_at = 0, nil, -math.huge
end

--- Takes the lines away.
function Live:clear()
  self._pending = nil
  if self._height > 0 then
    draw(self, {})
    self:finish()
  end
end

return M
