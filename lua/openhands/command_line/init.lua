--- The command `openhands-lua`: reads the command line, runs a command, and ends with the exit status that says how it
--- went. Uses the library as every program does.

local advice = require "openhands.command_line.advice"
local exit_status = require "openhands.command_line.exit_status"
local interruption = require "openhands.command_line.interruption"
local mistakes = require "openhands.command_line.mistake"
local outputs = require "openhands.command_line.output"
local records = require "openhands.command_line.records"
local text = require "openhands.command_line.text"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local M = {}

local NAME = "openhands-lua"

-- Take the places of streams that the parent has closed: else a socket would be the standard output.
local taken = {}
for place = 1, 3 do
  taken[place] = io.open "/dev/null"
end

local function complain(message)
  io.stderr:write(NAME, ": ", text.lines(message), "\n")
end

-- Returns the command that the words name, for a hint at its help.
local function named_command(words, names, subcommands)
  for place, word in ipairs(words) do
    for _, name in ipairs(names) do
      if word == name then
        local rest = { unpack(words, place + 1) }
        return " " .. name .. (subcommands[name] and named_command(rest, subcommands[name], {}) or "")
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
  elseif problem == outputs.ENDED then
    return exit_status.ERROR
  elseif type(problem) == "table" and problem.usage then
    session.output:warn(NAME .. ": " .. text.lines(problem.usage))
    session.output:record(records.usage(problem.usage))
    return exit_status.ERROR
  elseif type(problem) == "table" and problem.kind then
    return session:fail(problem)
  end
  -- Mistakes in what the user gave are raised by the library, at the line of this command.
  local message = advice.of_mistake((tostring(problem):gsub("^[^\n:]+:[0-9]+: ", "", 1)), session.arguments)
  session.output:warn(NAME .. ": " .. text.lines(message))
  session.output:record(records.usage(message))
  if os.getenv "OPENHANDS_LOG" == "debug" then
    session.output:warn(text.lines(tostring(problem)))
  end
  return exit_status.ERROR
end

-- Writes what is left, when a command has ended with a status. Returns the status of the process.
local function finish(output, status, gives_list)
  local good, problem = pcall(output.finish, output, gives_list)
  if not good and interruption.is(problem) then
    return exit_status.INTERRUPTED
  end
  return status == exit_status.OK and output.failure and exit_status.ERROR or status
end

-- Returns whether a command prints a list. With subcommands, these decide.
local function prints_list(command, arguments)
  if type(command.gives_list) == "function" then
    return command.gives_list(arguments)
  end
  return command.gives_list
end

-- Runs the command that was parsed.
local function run(arguments, command)
  local session = require("openhands.command_line.session").new(arguments)
  local ended, status = pcall(command.run, session) ---@type boolean, any
  if not ended then
    local told
    told, status = pcall(take_problem, session, status)
    status = told and status or interruption.is(status) and exit_status.INTERRUPTED or exit_status.ERROR
  end
  status = finish(session.output, status, prints_list(command, arguments))
  pcall(session.close, session)
  return status
end

-- Returns the format that a command line asks for, even if it cannot be read.
local function format_of(words)
  local format = "plain"
  for _, word in ipairs(words) do
    if word == "--" then
      break
    elseif word == "--json" or word == "--jsonl" then
      if format ~= "plain" and format ~= word:sub(3) then
        return "plain"
      end
      format = word:sub(3)
    end
  end
  return format
end

-- Writes a text that is all that was asked for.
local function show(shown)
  local output = outputs.new "plain"
  pcall(output.write, output, (shown:gsub("\n$", "")))
  return finish(output, exit_status.OK)
end

-- Says what is wrong with a command line, and where help is; with `--json` also as an object.
local function refuse(problem, words, parsers, parser)
  local command = named_command(words, parsers.COMMANDS, parsers.SUBCOMMANDS)
  local message = mistakes.explained(problem, words, parser, command:sub(2))
  complain(message)
  io.stderr:write(("Try '%s%s --help'.\n"):format(NAME, command))
  local output = outputs.new(format_of(words))
  pcall(output.record, output, records.usage(message))
  local name, subcommand = command:match "^ ([^ ]+) ?(.*)$"
  return finish(output, exit_status.ERROR,
    name and prints_list(parsers.command(name), { [name .. "_command"] = subcommand }))
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
  local parser, asked = parsers.new(argparse --[[@as table]])
  ---@type boolean, any, any
  local read, good, arguments = pcall(parser.pparse, parser, words)
  if asked.text then
    return show(asked.text)
  elseif not read then
    error(good, 0)
  elseif not good then
    return refuse(arguments, words, parsers, parser)
  end
  return run(arguments, parsers.command(arguments.command --[[@as string]]))
end

--- The streams that take the places of closed ones.
M.taken = taken

return M
