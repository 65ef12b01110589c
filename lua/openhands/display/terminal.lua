--- Tells what can be shown on a standard stream: whether it is a terminal, its columns, colours, links, characters.

local core = require "openhands.core"

local M = {}

local USUAL_COLUMNS, USUAL_ROWS = 80, 24 -- where neither the terminal nor the environment tells
local MOST_COLUMNS = 1000

--- What can be shown on a stream.
---@class openhands.Terminal
---@field is_terminal boolean
---@field columns integer
---@field rows integer
---@field colour boolean whether to write colours
---@field links boolean whether to write links (OSC 8)
---@field ascii boolean whether it may show ASCII only
---@field can_redraw boolean whether lines can be written anew: a terminal that moves its cursor

local function number_of(text, most)
  local number = tonumber(text)
  return number and number >= 1 and number <= most and math.floor(number) or nil
end

local function is_set(value)
  return value ~= nil and value ~= ""
end

-- Returns whether the locale's characters are UTF-8. Without any locale, they are those of ASCII.
local function is_utf8(environment)
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = environment(name)
    if is_set(value) then
      value = core.lower(value)
      return value:find("utf-8", 1, true) ~= nil or value:find("utf8", 1, true) ~= nil
    end
  end
  return false
end

-- See no-color.org and bixense.com/clicolors.
local function has_colour(environment, choice, can_redraw)
  if choice == "always" or choice == "never" then
    return choice == "always"
  elseif is_set(environment "NO_COLOR") then
    return false
  end
  local forced = environment "CLICOLOR_FORCE"
  return is_set(forced) and forced ~= "0" or can_redraw and environment "CLICOLOR" ~= "0"
end

-- Returns whether the terminal can take links. Terminals ignore sequences that they do not know, except for the console
-- of the kernel and some old ones.
local function has_links(environment, can_redraw)
  local term = environment "TERM" or ""
  return can_redraw and term ~= "linux" and not term:find "^vt" and not term:find "^screen"
end

--- Returns what can be shown on a stream.
---@param descriptor integer? 1: standard output; 2: standard error, the default
---@param choice "auto"|"always"|"never"|nil whether to write colours; "auto" if not given
---@param environment (fun(name: string): string?)? os.getenv by default
---@return openhands.Terminal
function M.of(descriptor, choice, environment)
  environment = environment or os.getenv
  local is_terminal, columns, rows = core.terminal(descriptor or 2)
  local can_redraw = is_terminal and environment "TERM" ~= "dumb" and is_set(environment "TERM")
  return {
    is_terminal = is_terminal,
    columns = columns > 0 and math.min(columns, MOST_COLUMNS) or number_of(environment "COLUMNS", MOST_COLUMNS)
      or USUAL_COLUMNS,
    rows = rows > 0 and rows or number_of(environment "LINES", MOST_COLUMNS) or USUAL_ROWS,
    colour = has_colour(environment, choice, can_redraw),
    links = has_links(environment, can_redraw),
    ascii = not is_utf8(environment),
    can_redraw = can_redraw,
  }
end

--- Returns the size of a terminal as it is now.
---@param descriptor integer
---@return integer? columns nil: not known
---@return integer? rows nil: not known
function M.size(descriptor)
  local _, columns, rows = core.terminal(descriptor)
  return columns > 0 and math.min(columns, MOST_COLUMNS) or nil, rows > 0 and rows or nil
end

return M
