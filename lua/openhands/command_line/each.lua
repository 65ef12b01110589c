--- Does the same to each of several conversations, and tells what became of it.

local exit_status = require "openhands.command_line.exit_status"
local records = require "openhands.command_line.records"
local rows = require "openhands.command_line.rows"

local M = {}

--- Calls a function for each conversation of the command line. One that fails does not keep the others from it.
---@param session openhands.CommandSession
---@param act fun(client: openhands.Client, id: string): table?, openhands.Error?
---@return integer exit_status
function M.conversation(session, act)
  local statuses = {}
  for place, id in ipairs(session.arguments.ids) do
    local result, err = act(session:client(), id)
    if not result then
      statuses[place] = session:fail(err, id)
    elseif result.state then
      session.output:record(records.conversation(result))
      rows.print(session, { result })
      statuses[place] = exit_status.OK
    else
      session.output:record(result)
      session.output:line(id .. "\tdeleted")
      statuses[place] = exit_status.OK
    end
  end
  return exit_status.combined(statuses)
end

return M
