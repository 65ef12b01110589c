--- `worker`: works for the fleets of an account until nothing is left, beside other workers of the same ledger.

local exit_status = require "openhands.command_line.exit_status"
local fleets = require "openhands.command_line.fleets"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("worker", "Work for all fleets of the account until nothing is left.")
  fleets.add_ledger(command)
  fleets.add_working(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, ended = session.arguments, { done = 0, other = 0 }
  local settings = fleets.settings(session)
  settings.on_change = function(run, previous)
    session:say("%s: %s -> %s", text.line(run.key), previous or "taken up", run.state)
  end
  settings.on_done = function(run)
    local name = run.state == "done" and "done" or "other"
    ended[name] = ended[name] + 1
  end
  session:comes_back_with("worker%s", fleets.option_words(arguments))
  local worker, err = session:client():worker(settings)
  local good
  if worker then
    session:closes(worker)
    good, err = worker:run(arguments.timeout)
    worker:close()
  end
  session:needs_no_return()
  if not good then
    return session:fail(err)
  end
  session.output:record { done = ended.done, not_done = ended.other }
  session.output:line(("%d done, %d not done by this worker"):format(ended.done, ended.other))
  return ended.other == 0 and exit_status.OK or exit_status.FAILED
end

return M
