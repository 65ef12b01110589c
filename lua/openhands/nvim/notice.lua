--- Tells people what happened, by `vim.notify`.

local configuration = require "openhands.nvim.configuration"
local log = require "openhands.nvim.log"
local widths = require "openhands.display.width"

local M = {}

-- Returns whether `vim.notify` is Neovim's own, which shows a message on the command line. Neovim 0.12 does not say
-- where its own functions are written.
local function is_on_command_line()
  local source = debug.getinfo(vim.notify, "S").source
  return source:find("vim/_", 1, true) ~= nil or source == "?" or source == "=?"
end

-- A message that does not fit on the command line would hold up the editor until a key is pressed: it is cut, or told
-- in short, and the log has the whole.
local function tell(text, level, short)
  log.add("OpenHands: " .. text)
  text = "OpenHands: " .. (short or text)
  vim.schedule(function()
    if is_on_command_line() then
      text = widths.truncate(text:gsub("\n.*", " …"), vim.v.echospace)
      vim.cmd "redraw" -- two messages at once would be two lines, and wait for a key, too
    end
    vim.notify(text, level, { title = "OpenHands" })
  end)
end

--- Tells something of interest, unless the configuration turns this off.
---@param text string
function M.info(text)
  if configuration.get().notify then
    tell(text, vim.log.levels.INFO)
  end
end

--- Tells what the user has asked for, or what needs a person.
---@param text string
function M.warn(text)
  tell(text, vim.log.levels.WARN)
end

-- Returns whether an error says that there is no key.
local function is_missing_key(problem)
  return problem.kind == "authentication" and problem.effect == "none"
    and not require("openhands.nvim.key").source() -- that module tells its own problems
end

-- Returns what a person can do about an error, in the words of this plugin.
local function advice_for(problem)
  if problem.kind == "authentication" then
    return " (see :checkhealth openhands)"
  elseif problem.kind == "conflict" and problem.operation == "changes" then
    return " (a message wakes it: :OpenHands send)"
  elseif problem.kind == "ambiguous" and problem.operation == "start" then
    return " (see :OpenHands list before you start it again)"
  end
  return ""
end

-- Returns a text for a start whose outcome is unknown. The command comes first: the end of a message may be cut.
local function text_of_unknown_start(problem)
  return ("use :OpenHands start id=%s instead of starting again: %s"):format(problem.conversation_id, tostring(problem))
end

--- Tells that something failed.
---@param problem openhands.Error|string
function M.fail(problem)
  local kind = type(problem) == "table" and problem.kind
  if kind == "closed" or kind == "cancelled" then
    return
  end
  if kind == "ambiguous" and problem.operation == "start" and problem.conversation_id then
    return tell(text_of_unknown_start(problem), vim.log.levels.ERROR)
  end
  local short = kind and is_missing_key(problem) and "no API key is set; see :checkhealth openhands" or nil
  local text = kind == "raised" and problem.cause or problem
  tell(tostring(text) .. (kind and advice_for(problem) or ""), vim.log.levels.ERROR, short)
end

return M
