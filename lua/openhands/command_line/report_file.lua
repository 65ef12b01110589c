--- Writes the report of a fleet into a file. An existing one is replaced as a whole, and stays if that fails.

local core = require "openhands.core"
local links = require "openhands.command_line.symbolic_link"
local sessions = require "openhands.command_line.session"
local texts = require "openhands.command_line.text"

local M = {}

local ENOENT = 2 -- everywhere: there is no such file

local formats = { html = "html", csv = "csv", json = "json" }

-- Returns how a report is written into a file of this name.
local function format_of(path)
  local extension = path:match "%.([a-z]+)$"
  return formats[extension] or sessions.refuse(("--report: %s must end with .html, .csv or .json"):format(path))
end

-- Returns what the system says about a file, without its name.
local function reason(problem, name)
  problem = problem or "unknown reason"
  return problem:sub(1, #name + 2) == name .. ": " and problem:sub(#name + 3) or problem
end

-- Creates a file beside another one, of a name that is new. Those who may not read the other may not read it either.
-- Returns it and its name, or nil and why not.
local function open_draft(target)
  local draft = ("%s.%s.new"):format(target, core.uuid())
  local from, to = texts.shell_word(target), texts.shell_word(draft)
  os.execute(("test -f %s && cp -p -- %s %s 2>/dev/null"):format(from, from, to))
  local file, problem = io.open(draft, "w")
  if not file then
    return nil, reason(problem, draft)
  end
  return file, draft
end

-- Returns why a file cannot be replaced; nil if it can, or does not exist.
local function problem_of(target)
  local file, problem, number = io.open(target, "r+")
  if file then
    file:close()
    return nil
  end
  return number ~= ENOENT and reason(problem, target) or nil
end

-- Writes a text into a file. Returns why it cannot be written, or nil.
local function replace(path, text)
  local target, problem = links.target_of(path)
  if not target then
    return problem
  end
  local file, draft = open_draft(target)
  if not file then
    return draft
  end
  local good
  good, problem = file:write(text)
  if good then
    good, problem = file:flush()
  end
  file:close()
  if good then
    good, problem = os.rename(draft, target)
  end
  if good then
    return nil
  end
  os.remove(draft)
  return reason(problem --[[@as string?]], draft)
end

local function words(path, problem)
  return ("--report: %s cannot be written: %s"):format(path, problem)
end

--- Refuses a name with another ending, and a file that cannot be written. Leaves no new file, and changes no old one.
---@param path string
function M.check(path)
  format_of(path)
  local target, problem = links.target_of(path)
  problem = target and problem_of(target) or problem
  if target and not problem then
    local file, draft = open_draft(target)
    if file then
      file:close()
      os.remove(draft)
    else
      problem = draft
    end
  end
  if problem then
    sessions.refuse(words(path, problem))
  end
end

--- Writes a report.
---@param session openhands.CommandSession
---@param report openhands.Report
---@param path string
---@return boolean good false: the person was told why not
function M.write(session, report, path)
  local problem = replace(path, session.output:redacted(report[format_of(path)](report)))
  if problem then
    session.output:warn("openhands-lua: " .. words(path, problem))
    return false
  end
  session:say("The report is in %s.", path)
  return true
end

return M
