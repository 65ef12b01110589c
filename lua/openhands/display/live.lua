--- Shows lines that change: on a terminal a region at its bottom, which is drawn anew at most ten times a second;
--- elsewhere a line for each change of what is worth a line.
---
--- The cursor always stands below the region. So whatever else is written, also after Ctrl-C, begins on a line of its
--- own.

local core = require "openhands.core"
local errors = require "openhands.errors"
local paint = require "openhands.display.paint"
local spans = require "openhands.display.spans"
local terminals = require "openhands.display.terminal"
local widths = require "openhands.display.width"

local M = {}

local SHORTEST = 0.1 -- seconds between two drawings

--- Where to show lines: by default on standard error, with what it can show.
---@class openhands.LiveOptions
---@field descriptor? integer 1: standard output; 2: standard error
---@field terminal? openhands.Terminal what can be shown there
---@field write? fun(text: string)
---@field now? fun(): number monotonic, seconds
---@field screen? openhands.Screen where other regions are, too

--- What the regions on one stream share. Waits in several tasks each have a region; they stand below one another.
---@class openhands.Screen
---@field write fun(text: string)
---@field regions openhands.Live[] weak: those of a wait that was cancelled or has failed are collected
---@field count integer places in `regions`
---@field height integer lines of all regions as they are drawn
---@field drawn_at number moment of the last drawing

---@class openhands.Live
---@field terminal openhands.Terminal what can be shown
---@field private _screen openhands.Screen
---@field private _descriptor integer
---@field private _now fun(): number
---@field private _lines (openhands.DisplayLine|string)[]? of the region; nil: it has none
---@field private _is_pending boolean? the lines are not drawn yet, because the last drawing was too recent
---@field private _noted table<any, string> what is known of each subject
local Live = { __name = "openhands.Live" }
Live.__index = Live

-- Writes to standard error. A program may have closed it: nothing is shown then.
local function write_error(text)
  local good, problem = pcall(io.stderr.write, io.stderr, text)
  if not good and errors.is_interrupt(problem) then
    error(problem, 0)
  end
end

local function new_screen(write)
  return { write = write, regions = setmetatable({}, { __mode = "v" }), count = 0, height = 0, drawn_at = -math.huge }
end

local screen_of_errors = new_screen(write_error)

--- Makes a screen without regions.
---@type fun(write: fun(text: string)): openhands.Screen
M.new_screen = new_screen

--- Makes a region without lines.
---@param options openhands.LiveOptions?
---@return openhands.Live
function M.new(options)
  options = options or {}
  local descriptor = options.descriptor or 2
  return setmetatable({
    terminal = options.terminal or terminals.of(descriptor),
    _screen = options.screen or options.write and new_screen(options.write) or screen_of_errors,
    _descriptor = descriptor,
    _now = options.now or core.monotonic,
    _noted = {},
  }, Live)
end

--- Returns the columns that a line may take now. Also renews what is known of the terminal's rows.
---@return integer
function Live:columns()
  local terminal = self.terminal
  if terminal.is_terminal then
    local columns, rows = terminals.size(self._descriptor)
    terminal.columns, terminal.rows = columns or terminal.columns, rows or terminal.rows
  end
  return math.max(1, self.terminal.columns - 1) -- some terminals wrap a line that fills the last column
end

local function painted(self, line)
  return type(line) == "string" and line or paint.ansi(line, self.terminal)
end

-- Returns a line of a region as it is drawn: a line that wraps would be more than one.
local function drawn(self, line, columns)
  if type(line) == "string" then
    return (widths.truncate(line, columns, self.terminal.ascii))
  end
  return painted(self, spans.cut(line, columns, self.terminal.ascii))
end

-- Gives a region its place on the screen, below the others.
local function place(self)
  local screen = self._screen
  for number = 1, screen.count do
    if screen.regions[number] == self then
      return
    end
  end
  screen.count = screen.count + 1
  screen.regions[screen.count] = self
end

-- Takes a region, and those that were collected, off the screen.
local function unplace(self)
  local screen, kept = self._screen, 0
  for number = 1, screen.count do
    local region = screen.regions[number]
    screen.regions[number] = nil
    if region and region ~= self then
      kept = kept + 1
      screen.regions[kept] = region
    end
  end
  screen.count, self._lines, self._is_pending = kept, nil, nil
end

-- Draws all regions of the screen, with lines above them that stay.
local function draw(self, above)
  local screen = self._screen
  self:columns()
  local most = math.max(1, self.terminal.rows - 1) --[[@as integer]]
  local up, height = math.min(screen.height, most), 0 -- the terminal may have shrunk
  local pieces = { up > 0 and ("\27[%dA\r"):format(up) or "" }
  for _, line in ipairs(above or {}) do
    pieces[#pieces + 1] = "\27[2K" .. painted(self, line) .. "\n"
  end
  for number = 1, screen.count do
    local region = screen.regions[number]
    local columns = region and region._lines and region:columns() or 0
    for _, line in ipairs(region and region._lines or {}) do
      if height < most then
        height = height + 1
        pieces[#pieces + 1] = "\27[2K" .. drawn(region, line, columns) .. "\n"
      end
    end
    if region then
      region._is_pending = nil
    end
  end
  if height < screen.height or above then
    pieces[#pieces + 1] = "\27[J"
  end
  screen.height, screen.drawn_at = height, self._now()
  screen.write(table.concat(pieces))
end

--- Shows lines in place of those before, on a terminal. Keeps them for later if the last drawing is too recent.
---@param lines (openhands.DisplayLine|string)[] those wider than `columns` are cut
---@return boolean is_drawn
function Live:draw(lines)
  if not self.terminal.can_redraw then
    return false
  end
  place(self)
  self._lines = lines
  if math.abs(self._now() - self._screen.drawn_at) < SHORTEST then -- the clocks of two clients may differ
    self._is_pending = true
    return false
  end
  draw(self)
  return true
end

--- Draws the lines that were kept.
function Live:flush()
  if self._is_pending then
    draw(self)
  end
end

--- Writes a line that stays, above the regions.
---@param line openhands.DisplayLine|string
function Live:print(line)
  if self.terminal.can_redraw and self._screen.height > 0 then
    draw(self, { line })
  else
    self._screen.write(painted(self, line) .. "\n")
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
  local lines = self._lines
  unplace(self)
  if lines then
    draw(self, lines)
  end
end

--- Takes the lines away.
function Live:clear()
  local lines = self._lines
  unplace(self)
  if lines then
    draw(self)
  end
end

return M
