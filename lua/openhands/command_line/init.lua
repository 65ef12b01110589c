--- The command `openhands-lua`: reads the command line, runs a command, and ends with the exit status that says how it
--- went. Uses the library as every program does.

local exit_status = require "openhands.command_line.exit_status"
local interruption = require "openhands.command_line.interruption"

local M = {}

local NAME = "openhands-lua"

local function complain(message)
  io.stderr:write(NAME, ": ", message, "\n")
end

-- Returns the command that the words name, for a hint at its help.
local function named_command(words, names)
  for _, word in ipairs(words) do
    for _, name in ipairs(names) do
      if word == name then
        return " " .. name
      end
    end
  end
  return ""
end

-- Ends a session that an error has ended. Returns the exit status.
local function take_problem(session, problem)
  if interruption.is(problem) then
    session:tell_return()
    return exit_status.INTERRUPTED
  elseif type(problem) == "table" and problem.usage then
    complain(problem.usage)
    return exit_status.ERROR
  elseif type(problem) == "table" and problem.kind then
    return session:fail(problem)
  end
  -- Mistakes in what the user gave are raised by the library, at the line of this command.
  local message = tostring(problem):gsub("^[^\n:]+:[0-9]+: ", "")
  session.output:warn(NAME .. ": " .. message)
  if os.getenv "OPENHANDS_LOG" == "debug" then
    session.output:warn(tostring(problem))
  end
  return exit_status.ERROR
end

--- Runs the command.
---@param words string[] the command line, without the name of the program
---@return integer exit_status
function M.main(words)
  local found, argparse = pcall(require, "argparse")
  if not found then
    if interruption.is(argparse) then
      return exit_status.INTERRUPTED
    end
    complain "needs the module argparse (Debian: apt-get install lua-argparse; LuaRocks: luarocks install argparse)"
    return exit_status.ERROR
  end
  local parsers = require "openhands.command_line.parser"
  local good, arguments = parsers.new(argparse --[[@as table]]):pparse(words)
  if not good then
    complain(arguments)
    io.stderr:write(("Try '%s%s --help'.\n"):format(NAME, named_command(words, parsers.COMMANDS)))
    return exit_status.ERROR
  end
  local session = require("openhands.command_line.session").new(arguments)
  local command = parsers.command(arguments.command) --[[@as table]]
  local ended, status = pcall(command.run, session) ---@type boolean, any
  if not ended then
    local told
    told, status = pcall(take_problem, session, status)
    status = told and status or interruption.is(status) and exit_status.INTERRUPTED or exit_status.ERROR
  end
  session.output:finish(command.gives_list)
  pcall(session.close, session)
  return status
end

return M
