--- `fleet`: runs many conversations from a file, a few at a time and none twice, or adds them for workers; tells how a
--- fleet stands, and which ones there are.

local exit_status = require "openhands.command_line.exit_status"
local fleet_board = require "openhands.command_line.fleet_board"
local fleets = require "openhands.command_line.fleets"
local json = require "openhands.command_line.json"
local openhands = require "openhands"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local report_files = require "openhands.command_line.report_file"
local sessions = require "openhands.command_line.session"
local spelling = require "openhands.spelling"
local text = require "openhands.command_line.text"

local M = {}

local MOST_NAMES = 20 -- of the fleets that are known

local function count_words(count)
  return count == 1 and "1 item" or ("%d items"):format(count)
end

-- Adds a command that adds the items of a file.
local function define_adding(group, name, description)
  local command = group:command(name, description)
  command:argument("FILE", "FILE.csv with a record in each row, or FILE.lua that returns a table."):argname "FILE"
    :target "file"
  command:option("--name", "Name of the fleet (default: that of the file)."):argname "NAME"
    :convert(options.fleet_name)
  command:option("-m --message", "Message of each item of a CSV; {column} stands for a cell."):argname "TEMPLATE"
  command:option("--key", "Key of each item of a CSV (default: its column key, or repository)."):argname "TEMPLATE"
  command:option("--slots", "Most conversations at once (default: 8)."):argname "NUMBER"
    :convert(options.positive_count)
  command:option("--budget", "Dollars to spend at most."):argname "DOLLARS":convert(options.number)
  command:option("--canary", "So many items must be done before the others start."):argname "NUMBER"
    :convert(options.count)
  command:flag("--retry", "Try items once more that have failed or were skipped, as new conversations.")
  fleets.add_ledger(command)
  return command
end

local function define_run(group)
  local command = define_adding(group, "run", "Run the items of a file; run it again to go on where it ended.")
  command:flag("--plan", "Tell what would be started; start nothing, and leave the ledger as it is.")
  command:option("-o --report", "Write the report there, too: .html, .csv or .json."):argname "FILE"
  fleets.add_working(command)
end

--- Adds the commands.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local group = parser:command("fleet", "Run many conversations from a file, and tell how they stand.")
  group:command_target "fleet_command"
  group:require_command(true)
  define_run(group)
  define_adding(group, "add", "Add the items of a file for workers; start nothing.")
  local status = group:command("status", "Tell what a fleet is doing now.")
  status:argument("NAME", "Name of the fleet."):argname "NAME":target "name":convert(options.fleet_name)
  fleets.add_ledger(status)
  local report = group:command("report", "Tell what has become of each item of a fleet.")
  report:argument("NAME", "Name of the fleet."):argname "NAME":target "name":convert(options.fleet_name)
  report:option("-o --report", "Write it there: .html, .csv or .json."):argname "FILE"
  fleets.add_ledger(report)
  local given_up = group:command("cancel", "Take items out of the queue; what was started goes on.")
  given_up:argument("NAME", "Name of the fleet."):argname "NAME":target "name":convert(options.fleet_name)
  given_up:argument("KEY", "Keys of the items."):argname "KEY":target "keys":args "*"
  given_up:flag("--all", "All items that are in the queue.")
  fleets.add_ledger(given_up)
  fleets.add_ledger(group:command("list", "List the fleets of the account that have items."))
  return group
end

-- Prints a report, and in its JSON the error that ended the run, because that is one object. Returns whether the file
-- for it, if there is one, was written.
local function print_report(session, report, err)
  local path = session.arguments.report
  local good = not path or report_files.write(session, report, path)
  if session.output.format == "json" then
    local words = report:json():gsub("\n$", "")
    session.output:write(err and ('%s,"error":%s}'):format(words:sub(1, -2), json.encode(records.error(err)))
      or words)
  end
  local terminal = session:stdout()
  report.width = terminal.is_terminal and terminal.columns or nil
  session.output:line(tostring(report))
  return good
end

local function status_of(report)
  if report.done == report.total then
    return exit_status.OK
  end
  return report.live + report.queued > 0 and exit_status.TIMEOUT or exit_status.FAILED
end

-- Opens a fleet.
local function open(session, name, settings)
  for key, value in pairs(fleets.settings(session)) do
    settings[key] = value
  end
  settings.name = name
  local fleet, err = session:client():fleet(settings)
  if fleet then
    session:closes(fleet)
  end
  return fleet, err
end

local function tell_plan(session, fleet)
  local plan, err = fleet:plan()
  if not plan then
    return session:fail(err)
  end
  local record = records.fleet(plan)
  local others, is_most = fleet:others()
  record.others, record.others_is_upper_bound = others, is_most
  session.output:record(record)
  session.output:line(tostring(plan))
  if others > 0 then
    session.output:line(fleets.slots_words(others, is_most))
  end
  return exit_status.OK
end

-- Runs a fleet whose items were added.
local function go_on(session, fleet)
  local others, is_most = 0, false
  if not session.output.is_quiet then
    others, is_most = fleet:others()
  end
  if others > 0 then
    session:say("%s", fleets.slots_words(others, is_most))
  end
  local report, err = fleet_board.during(session, fleet, function(on_change)
    return fleet:run {
      timeout = session.arguments.timeout,
      on_change = function(run, previous)
        if session.output.format == "jsonl" then
          session.output:record(records.run(run, previous))
        end
        on_change(run, previous)
      end,
    }
  end)
  local so_far = report or fleet:report()
  local is_written = not so_far or print_report(session, so_far, err)
  if report then
    session:needs_no_return()
    return is_written and status_of(report) or exit_status.ERROR
  end
  local status = so_far and session.output.format == "json" and session:tell_error(err) or session:fail(err)
  if status == exit_status.TIMEOUT then
    session:tell_way_back()
  end
  session:needs_no_return()
  return is_written and status or exit_status.ERROR
end

-- Opens the fleet that the command line describes, and adds the items of its file. Returns how many it has added, knew
-- before, and has returned to the queue if asked to.
local function filled(session)
  local arguments = session.arguments
  local settings, add = fleets.read(arguments.file, arguments)
  for _, name in ipairs { "slots", "budget", "canary" } do
    settings[name] = arguments[name] or settings[name]
  end
  settings.dry_run = arguments.plan
  local fleet, err = open(session, arguments.name or settings.name or fleets.name_of(arguments.file), settings)
  if not fleet then
    return nil, err
  end
  local counts, retried
  counts, err = add(fleet)
  if counts and arguments.retry then
    retried, err = fleet:retry()
  end
  if not counts or err then
    fleet:close()
    return nil, err
  end
  session:comes_back_with("fleet %s %s%s", arguments.fleet_command, text.shell_word(arguments.file),
    fleets.option_words(arguments))
  return fleet, { added = counts.added, known = counts.known, retried = retried and #retried.queued or nil }
end

local function run(session)
  local arguments = session.arguments
  local fleet, counts = filled(session)
  if not fleet then
    return session:fail(counts)
  end
  if counts.retried then
    session:say("%d %s %s tried once more.", counts.retried, counts.retried == 1 and "item" or "items",
      arguments.plan and "would be" or counts.retried == 1 and "is" or "are")
  end
  local status = (arguments.plan and tell_plan or go_on)(session, fleet)
  fleet:close()
  return status
end

local function add(session)
  local fleet, counts = filled(session)
  if not fleet then
    return session:fail(counts)
  end
  fleet:close()
  session:needs_no_return()
  local added, known, retried = counts.added, counts.known, counts.retried
  session.output:record { fleet = fleet.name, added = added, known = known, retried = retried }
  session.output:line(("%s: %s added, %d known before%s"):format(text.line(fleet.name), count_words(added), known,
    retried and (", %d tried once more"):format(retried) or ""))
  return exit_status.OK
end

-- Returns words about the fleets that the ledger has, for a name that it does not have.
local function known_words(name, names)
  if not names[1] then
    return ", and no other fleet has any"
  end
  local known, shown = {}, {}
  for place, each in ipairs(names) do
    known[each] = true
    shown[place] = place <= MOST_NAMES and each or nil
  end
  local left = #names - #shown
  return ("%s; it has: %s%s"):format(spelling.hint(name, known), table.concat(shown, ", "),
    left > 0 and (" and %d more"):format(left) or "")
end

-- Opens the fleet that the command line names. Looks for it in a dry run first: an unknown name is not to be added.
local function open_known(session)
  local name = session.arguments.name
  local fleet, err = open(session, name, { dry_run = true })
  if not fleet then
    return nil, err
  end
  local account = fleet.account_id
  local names, problem = fleet.ledger:names { account_id = account }
  fleet:close()
  for _, each in ipairs(names or {}) do
    if each == name then
      return open(session, name, { account = account })
    end
  end
  if names then
    sessions.refuse(("fleet %s: the fleet '%s' has no items in this ledger%s"):format(session.arguments.fleet_command,
      name, known_words(name, names)))
  end
  return nil, problem
end

-- Calls a method of the fleet that the command line names, and prints what it returns.
local function tell(session, method, print, given)
  local fleet, err = open_known(session)
  local value
  if fleet then
    value, err = fleet[method](fleet, given)
    fleet:close()
  end
  if err then
    return session:fail(err)
  end
  return print(value)
end

local function cancel(session)
  local keys = session.arguments.keys
  if (keys[1] ~= nil) == (session.arguments.all == true) then
    sessions.refuse "fleet cancel: name items by their keys, or give --all"
  end
  return tell(session, "cancel", function(result)
    session.output:record { cancelled = openhands.array(result.cancelled), left = openhands.array(result.left),
      skipped = result.skipped }
    local skipped, left = result.skipped, #result.left
    session.output:line(("%s cancelled%s%s"):format(count_words(#result.cancelled),
      skipped > 0 and (", %d more skipped"):format(skipped) or "", left > 0 and (", %d left"):format(left) or ""))
    for _, each in ipairs(result.left) do
      session.output:line(("%s is left: %s%s"):format(text.line(each.key), each.why,
        each.conversation_id and (" (conversation %s)"):format(text.line(each.conversation_id)) or ""))
    end
    return result.left[1] and exit_status.FAILED or exit_status.OK
  end, { keys = keys[1] and keys or nil })
end

-- Prints a line about a fleet. Returns true, or nil and the error.
local function list_one(session, name, account)
  local fleet, err = open(session, name, { account = account })
  local status
  if fleet then
    status, err = fleet:status()
    fleet:close()
  end
  if not status then
    return nil, err
  end
  session.output:record(records.fleet(status))
  session.output:line(tostring(status):match "^[^\n]*")
  return true
end

-- Tells all fleets of the account.
local function list(session)
  local worker, err = session:client():worker(fleets.settings(session)) -- knows the ledger and the account
  if not worker then
    return session:fail(err)
  end
  session:closes(worker)
  local account = worker.settings.account_id
  local names, problem = worker.ledger:names { account_id = account }
  worker:close()
  if not names then
    return session:fail(problem)
  elseif not names[1] then
    session:say "No fleet of the account has items in this ledger."
  end
  for _, name in ipairs(names) do
    local good, failure = list_one(session, name, account)
    if not good then
      return session:fail(failure)
    end
  end
  return exit_status.OK
end

--- Returns whether a command line prints a list.
---@param arguments table
---@return boolean
function M.gives_list(arguments)
  return arguments.fleet_command == "list"
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local name = session.arguments.fleet_command
  if session.arguments.report then
    report_files.check(session.arguments.report)
  end
  if name == "run" then
    return run(session)
  elseif name == "add" then
    return add(session)
  elseif name == "list" then
    return list(session)
  elseif name == "cancel" then
    return cancel(session)
  elseif name == "report" then
    return tell(session, "report", function(report)
      for _, each in ipairs(session.output.format == "jsonl" and report.runs or {}) do
        session.output:record(each)
      end
      return print_report(session, report) and exit_status.OK or exit_status.ERROR
    end)
  end
  return tell(session, "status", function(status)
    session.output:record(records.fleet(status))
    session.output:line(tostring(status))
    return exit_status.OK
  end)
end

return M
