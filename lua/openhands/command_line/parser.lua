--- The command line as argparse knows it. Each command is a module of its own, which adds its arguments here.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"

local M = {}

--- The commands, in the order of the help. Those of a line are in one module.
M.COMMANDS = {
  "start", "status", "wait", "events", "send", "list", "pause", "resume", "delete", "changes", "diff", "download",
  "fleet", "worker", "simulate", "login", "doctor", "completion", "help",
}

--- The commands that have commands of their own.
M.SUBCOMMANDS = { fleet = { "run", "add", "status", "report", "cancel", "list" } }

local DESCRIPTION = [[
Puts OpenHands Cloud to work from a terminal or a script: starts conversations with coding agents, waits for them,
follows what they do, and runs fleets of them. Data goes to standard output, talk to standard error.]]

-- Ends the help of each command.
local GLOBAL_OPTIONS = [[
Options of all commands: --json, --jsonl, --color, --quiet, --base-url, --api,
--api-key-file, --organization; `openhands-lua --help` tells what they do.]]

-- Returns what the exit statuses mean.
local function epilog()
  local lines = { "Exit status:" }
  for _, each in ipairs(exit_status.meanings) do
    lines[#lines + 1] = ("  %-3d  %s"):format(each[1], each[2])
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "The key comes from --api-key-file, OPENHANDS_API_KEY, OPENHANDS_CLOUD_API_KEY, or `login`."
  lines[#lines + 1] = "`openhands-lua COMMAND --help` tells more about a command."
  return table.concat(lines, "\n")
end

-- Ends the reading of the command line: this text is all that was asked for.
local function show(asked, text)
  asked.text = text
  error "shown"
end

-- Has a parser name the option in what it says about a value that it refuses, which argparse does not.
local function name_options(parser)
  local add = parser.option
  parser.option = function(self, names, ...)
    local option = add(self, names, ...)
    local convert = option.convert
    option.convert = function(element, read)
      return convert(element, function(given)
        local value, problem = read(given)
        return value, problem and ("%s: %s"):format(names:match "[^ ]+$", problem)
      end)
    end
    return option
  end
end

local function add_global_options(parser, asked)
  parser:mutex(
    parser:flag("--json", "Print data as one JSON object, or one list."),
    parser:flag("--jsonl", "Print data as JSON, an object in each line.")
  )
  options.one_of(parser:option("--color", "Colours and moving lines: auto, always or never (default: auto).")
    :argname "WHEN", { "auto", "always", "never" })
  parser:flag("-q --quiet", "Say nothing but errors; data is printed.")
  parser:option("--base-url", "Address of the service (default: OPENHANDS_BASE_URL, or the cloud)."):argname "URL"
  options.one_of(parser:option("--api", "Dialect of the service: auto, v0 or v1."):argname "DIALECT",
    { "auto", "v0", "v1" })
  parser:option("--api-key-file", "File with the key in its first line."):argname "FILE"
  parser:option("--organization", "Id of the organisation to act for."):argname "ID"
  parser:flag("--version", "Print the version and exit."):action(function()
    show(asked, "openhands-lua " .. require("openhands").version)
  end)
end

-- Has a parser and its commands show their help as they show all else, and name options. argparse itself ends the
-- process.
local function show_help(parser, asked)
  name_options(parser)
  parser:add_help {
    action = function()
      show(asked, parser:get_help())
    end,
  }
  local add = parser.command
  parser.command = function(self, ...)
    return show_help(add(self, ...), asked):epilog(GLOBAL_OPTIONS)
  end
  return parser
end

--- Returns the module of a command.
---@param name string
---@return { define: fun(parser: table): table, run: fun(session: openhands.CommandSession): integer }
function M.command(name)
  return require("openhands.command_line.commands." .. name)
end

--- Makes the parser. It raises an error where a text, such as help, is all that was asked for.
---@param argparse table the module
---@return table parser
---@return { text: string? } asked the text
function M.new(argparse)
  local asked = {}
  local make = argparse --[[@as fun(name: string, description: string, epilog: string): table]]
  local parser = show_help(make("openhands-lua", DESCRIPTION, epilog()), asked)
  parser:command_target "command"
  parser:require_command(true)
  add_global_options(parser, asked)
  for _, name in ipairs(M.COMMANDS) do
    M.command(name).define(parser)
  end
  return parser, asked
end

return M
