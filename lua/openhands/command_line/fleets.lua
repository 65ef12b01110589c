--- What the commands for fleets and workers have in common: options, settings, and the items in a file.

local core = require "openhands.core"
local fleet_csv = require "openhands.command_line.fleet_csv"
local interruption = require "openhands.command_line.interruption"
local json = require "openhands.command_line.json"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the option that says where the ledger is.
---@param command table of argparse
function M.add_ledger(command)
  command:option("--ledger", "File of SQLite, or a variable's name after $ with a postgresql:// address in it.")
    :argname "WHERE"
  command:option("--account", "Name of the account in the ledger (default: the service is asked)."):argname "NAME"
end

--- Adds the options of those that start and watch runs.
---@param command table of argparse
function M.add_working(command)
  options.add_waiting(command)
  options.one_of(command:option("--after", "What becomes of the sandbox of an ended run (default: pause).")
    :argname "WHAT", { "pause", "leave", "delete" })
  options.one_of(command:option("--on-paused", "What becomes of a run that others have paused (default: resume).")
    :argname "WHAT", { "resume", "leave", "fail" })
  command:option("--reserve", "Slots of the account to keep free."):argname "NUMBER":convert(options.count)
end

-- Returns whether an address of a database has a password. A password may have any character, also those that should be
-- escaped in addresses.
local function has_password(address)
  local rest = core.lower(address):match "^postgres[a-z]*://(.*)$"
  return rest and (rest:find "^[^@]*:.*@" or rest:find "[?&][a-z]*password=") ~= nil
end

-- Returns the place of the ledger. A password must not stand in the list of processes, so an address with one comes
-- from the environment.
local function place_of(given)
  local variable = given and given:match "^%$([A-Za-z_][A-Za-z0-9_]*)$"
  if given and has_password(given) then
    sessions.refuse("--ledger: a password in the command line can be seen by others: put the address into a variable, "
      .. "and give its name, as in --ledger '$LEDGER'")
  elseif not variable then
    return given
  end
  return os.getenv(variable) or sessions.refuse(("--ledger: the variable %s is not set"):format(variable))
end

--- Returns the settings that the options give.
---@param session openhands.CommandSession
---@return table
function M.settings(session)
  local arguments = session.arguments
  return {
    ledger = place_of(arguments.ledger), account = arguments.account, interval = arguments.interval,
    after = arguments.after, on_paused = arguments.on_paused, reserve = arguments.reserve,
  }
end

-- The options that another call of the command needs, to do the same; not those that are meant once.
local LASTING = {
  "name", "message", "key", "slots", "budget", "canary", "report", "ledger", "account", "timeout", "interval", "after",
  "on_paused", "reserve",
}

--- Returns the words that give another call of the command the same options.
---@param arguments table
---@return string
function M.option_words(arguments)
  local words = {}
  for _, name in ipairs(LASTING) do
    local value = arguments[name]
    if value ~= nil then
      value = type(value) == "number" and json.encode(value) or value
      words[#words + 1] = (" --%s%s%s"):format((name:gsub("_", "-")), value:find "^%-" and "=" or " ",
        text.shell_word(value))
    end
  end
  return table.concat(words)
end

-- ---- files of items ------------------------------------------------------------------------------------------------

local function same(problem) return problem end

-- Calls a function on what a file holds. What it raises about the contents is told of the file, in words that `put`
-- returns.
local function about(path, put, call, ...)
  local good, value, err = pcall(call, ...)
  if good then
    return value, err
  elseif type(value) == "table" and value.usage then
    sessions.refuse(("%s: %s"):format(path, value.usage))
  elseif type(value) ~= "string" or interruption.is(value) then
    error(value, 0)
  end
  sessions.refuse(("%s: %s"):format(path, put((value:gsub("^.-openhands%.fleet%.add: ", "", 1)))))
end

-- Returns what a fleet says about an item that it does not take, as an error of the file. Others stay as they are.
local function error_of(path, err, is_csv)
  if err and err.key then
    local problem = err.message:gsub("^[a-z_.]+: ", "", 1)
    err.message = ("%s: %s"):format(path, is_csv and fleet_csv.of_error(err, problem) or problem)
  end
  return err
end

-- Returns what is in a file.
local function contents_of(path)
  local file, problem = io.open(path)
  if not file then
    sessions.refuse(problem --[[@as string]]) -- it names the file
  end
  local contents
  contents, problem = file:read "*a"
  file:close()
  return contents or sessions.refuse(("%s: %s"):format(path, problem))
end

-- Reads a CSV. Returns a function that adds its items.
local function read_csv(path, arguments)
  local items = about(path, same, fleet_csv.read, contents_of(path), arguments)
  local function put(problem)
    return fleet_csv.of_mistake(items, problem)
  end
  return {}, function(fleet)
    local added, err = about(path, put, fleet.add, fleet, items.template, items.records)
    return added, error_of(path, err, true)
  end
end

-- Runs a Lua file that returns the fleet as a table.
local function read_lua(path)
  local chunk, problem = loadfile(path)
  if not chunk then
    sessions.refuse(problem --[[@as string]])
  end
  local given = chunk()
  if type(given) ~= "table" or given.items == nil then
    sessions.refuse(path .. " must return a table with 'items', and the settings of the fleet")
  end
  local settings = {}
  for name, value in pairs(given) do
    settings[name] = value
  end
  settings.items, settings.records = nil, nil
  return settings, function(fleet)
    local added, err = about(path, same, fleet.add, fleet, given.items, given.records)
    return added, error_of(path, err)
  end
end

--- Returns words about the slots of an account that others have.
---@param count integer
---@param is_most boolean? runs of the ledger may have some of them
---@return string
function M.others_words(count, is_most)
  local words = count == 1 and "1 other sandbox is up on this account"
    or ("%d other sandboxes are up on this account"):format(count)
  if is_most then
    return ("up to %s (%s)"):format(words, count == 1 and "an item that is starting may have it"
      or "items that are starting may have some")
  end
  return words
end

--- Returns what the plan and the run of a fleet tell about these slots, with what to do.
---@param count integer
---@param is_most boolean?
---@return string
function M.slots_words(count, is_most)
  return M.others_words(count, is_most) .. ": each takes a slot; `openhands-lua list --limit 100 --state finished "
    .. "--up` names those that can be paused, doc/fleets.md tells more"
end

--- Reads the file of a fleet.
---@param path string
---@param arguments table `message`, `key`: templates for the records of a CSV
---@return table settings
---@return fun(fleet: openhands.Fleet): { added: integer, known: integer }?, openhands.Error? add
function M.read(path, arguments)
  local extension = core.lower(path):match "%.([a-z]+)$"
  if extension == "csv" then
    return read_csv(path, arguments)
  elseif extension ~= "lua" then
    sessions.refuse(path .. ": the file of a fleet is a CSV or a Lua file, and its name ends with .csv or .lua")
  elseif arguments.message or arguments.key then
    sessions.refuse "--message and --key fill the records of a CSV; a Lua file has them itself"
  end
  return read_lua(path)
end

--- Returns the name that a file gives to its fleet.
---@param path string
---@return string
function M.name_of(path)
  local name = path:match "([^/]*)$" or path
  return (name:gsub("%.[A-Za-z]+$", ""))
end

--- Returns the line about a run whose state has changed. What was left while it was starting is looked for, as long as
--- the service may not show it.
---@param client openhands.Client
---@param run openhands.Run
---@param previous string? its state before; nil: it was taken up
---@return string
function M.change_words(client, run, previous)
  local looks = not previous and run.state == "starting" and client._api ~= "v0"
  return ("%s: %s -> %s%s%s"):format(text.line(run.key), previous or "taken up", run.state,
    looks and (" (looks for up to %.0f s whether it was started before)"):format(client._settings.grace) or "",
    run.error and " (" .. text.line(run.error) .. ")" or "")
end

return M
