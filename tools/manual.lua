-- Writes the manual page of the command line from its parser, to stdout: `make reference` puts it into doc/.
local exit_status = require "openhands.command_line.exit_status"
local parsers = require "openhands.command_line.parser"

local lines = {}

local function put(format, ...)
  lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- Returns a text as troff shows it unchanged.
local function plain(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return (text:gsub("^([.'])", "\\&%1"))
end

local function bold(text) return "\\fB" .. plain(text) .. "\\fR" end

local function italic(text) return "\\fI" .. plain(text) .. "\\fR" end

-- Returns how an option or argument is called on the command line.
local function label_of(element)
  local names = {}
  for _, alias in ipairs(element._aliases or {}) do
    if alias:find "^%-" then names[#names + 1] = bold(alias) end
  end
  local value = type(element._argname) == "string" and " " .. italic(element._argname) or ""
  return #names > 0 and table.concat(names, ", ") .. value or value:sub(2)
end

local function put_elements(elements)
  for _, element in ipairs(elements) do
    put ".TP"
    put(label_of(element))
    put(plain(element._description))
  end
end

-- Returns the words after the name of a command: its arguments, and that it has options.
local function synopsis_of(command)
  local words = {}
  if #command._options > 1 then words[1] = "[" .. italic "OPTION" .. "]..." end
  for _, argument in ipairs(command._arguments) do
    local word = italic(argument._argname)
    local least, most = argument._minargs, argument._maxargs
    local more = most > 1 and "..." or ""
    words[#words + 1] = least == 0 and "[" .. word .. "]" .. more or word .. more
  end
  return table.concat(words, " ")
end

local function without_help(options)
  local list = {}
  for _, option in ipairs(options) do
    if option._name ~= "-h" and option._name ~= "--help" then list[#list + 1] = option end
  end
  return list
end

local function put_command(prefix, command)
  if #command._commands > 0 then
    for _, each in ipairs(command._commands) do put_command(prefix .. command._name .. " ", each) end
    return
  end
  put(".SS %s %s", bold(prefix .. command._name), synopsis_of(command))
  put(plain(command._description))
  put_elements(command._arguments)
  put_elements(without_help(command._options))
end

local parser = parsers.new(require "argparse")

put ".\\\" Written by tools/manual.lua from the parser: `make reference`."
put '.TH OPENHANDS\\-LUA 1 "" "openhands for Lua" "User Commands"'
put ".SH NAME"
put "openhands\\-lua \\- put coding agents of OpenHands Cloud to work"
put ".SH SYNOPSIS"
put(".B openhands\\-lua")
put "[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIARGUMENT\\fR]..."
put ".SH DESCRIPTION"
put(plain(parser._description:gsub("\n", " ")))
put ".SH OPTIONS"
put "They may stand before or after the command."
put_elements(parser._options)
put ".SH COMMANDS"
for _, command in ipairs(parser._commands) do put_command("", command) end
put ".SH EXIT STATUS"
for _, each in ipairs(exit_status.meanings) do
  put ".TP"
  put(bold(("%d"):format(each[1])))
  put(plain(each[2]))
end
put ".SH ENVIRONMENT"
for _, each in ipairs {
  { "OPENHANDS_API_KEY, OPENHANDS_CLOUD_API_KEY", "the key; without them, the one that login has stored" },
  { "OPENHANDS_BASE_URL", "address of the service" },
  { "OPENHANDS_API", "dialect of the service: auto, v0 or v1" },
  { "OPENHANDS_LOG", "with the value debug, each exchange is told on standard error" },
  { "NO_COLOR, CLICOLOR_FORCE, TERM", "whether colours and moving lines are written, unless --color says so" },
} do
  put ".TP"
  put(bold(each[1]))
  put(plain(each[2]))
end
put ".SH FILES"
put ".TP"
put(bold "$XDG_CONFIG_HOME/openhands/keys.json, ~/.config/openhands/keys.json")
put "keys that login has stored; readable for their owner alone"
put ".TP"
put(bold "$XDG_STATE_HOME/openhands/ledger.db, ~/.local/state/openhands/ledger.db")
put "the ledger of fleets, if no other is given"
put ".SH EXAMPLES"
put ".nf"
put(plain 'openhands-lua start "Fix the typos in README.md." --repo owner/name --wait')
put(plain 'id=$(openhands-lua start "Fix the tests." --repo owner/name)')
put(plain 'openhands-lua wait "$id" && openhands-lua diff "$id"')
put(plain 'openhands-lua fleet run repositories.csv --message "Upgrade {package}." --slots 8')
put ".fi"
io.stdout:write(table.concat(lines, "\n"), "\n")
